-- All answers that later stages see: what is compared over the whole set.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: none
SELECT
    responses.response_id AS input_id,
    responses.instruction_id,
    responses.text AS response
FROM valid_responses AS responses
WHERE responses.use <> 'rejected'
ORDER BY responses.response_id;
