-- Instructions that have an answer.
-- owner:  tasks/verdicts.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_answered AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history
FROM valid_instructions AS instructions
WHERE instructions.instruction_id IN (
    SELECT responses.instruction_id FROM valid_responses AS responses WHERE responses.use NOT IN ('rejected', 'probe')
);
