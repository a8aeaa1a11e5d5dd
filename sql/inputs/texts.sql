-- Instructions and answers, whose hazards are judged.
-- owner:  tasks/verdicts.py
-- grain:  one row per instruction or response
-- params: none
CREATE OR REPLACE VIEW inputs_texts AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history
FROM valid_instructions AS instructions
UNION ALL
SELECT
    responses.response_id AS input_id,
    responses.text,
    '' AS history
FROM valid_responses AS responses
WHERE responses.use NOT IN ('rejected', 'probe');
