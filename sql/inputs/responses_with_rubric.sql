-- Answers to tasks that have a rubric, with the question and the items.
-- owner:  tasks/scores.py
-- grain:  one row per response
-- params: none
CREATE OR REPLACE VIEW inputs_responses_with_rubric AS
SELECT
    responses.*,
    json_extract_string(notes.data, '$.question') AS question,
    json_extract(notes.data, '$.facts.rubric') AS rubric
FROM inputs_responses AS responses
INNER JOIN valid_notes AS notes
    ON
        responses.instruction_id = json_extract_string(notes.data, '$.instruction_id')
        AND notes.kind = 'task'
WHERE json_extract(notes.data, '$.facts.rubric') IS NOT NULL;
