-- Answers that are no draws for pairs, each with the questions of its instruction's checklist.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: none
CREATE OR REPLACE VIEW inputs_questions AS
SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    instructions.history,
    responses.text AS response,
    from_json(checklists.detail, '["VARCHAR"]') AS questions
FROM verdicts AS checklists
INNER JOIN methods AS asked
    ON checklists.fingerprint = asked.fingerprint AND asked.stage = 'verdicts' AND asked.active AND asked.name = 'checklist_questions'
INNER JOIN valid_responses AS responses ON checklists.subject_id = responses.instruction_id
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
WHERE
    checklists.passed
    AND json_array_length(checklists.detail) > 0
    AND responses.use = 'answer';
