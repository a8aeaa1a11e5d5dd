-- The pages that those were shown who answered, where they were shown one.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per response
-- params: none
SELECT
    responses.input_id AS subject_id,
    responses.document
FROM inputs_responses AS responses
WHERE responses.document IS NOT NULL
ORDER BY responses.input_id;
