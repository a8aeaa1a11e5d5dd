-- Answers in force, as methods over sets are given them.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per response
-- params: none
SELECT
    responses.input_id AS subject_id,
    responses.instruction_id,
    responses.instruction,
    responses.response AS text,
    responses.use,
    responses.model,
    responses.reference
FROM inputs_responses AS responses
WHERE responses.use <> 'probe'
ORDER BY responses.input_id;
