-- All answers that later stages see: what is compared over the whole set.
-- An answer that a program gives to several instructions was written once: it stands under the first of them.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: none
SELECT
    responses.response_id AS input_id,
    min(responses.instruction_id) OVER (PARTITION BY responses.completion_id) AS instruction_id,
    responses.text AS response
FROM valid_responses AS responses
WHERE responses.use NOT IN ('rejected', 'probe')
ORDER BY responses.response_id;
