-- The texts of some passages, for who reads candidates again.
-- owner:  tasks/spine/vectors/retrieval.py
-- grain:  one row per passage
-- params: $passage_ids
SELECT
    passages.passage_id,
    any_value(passages.text) AS text
FROM valid_passages AS passages
WHERE passages.passage_id IN (SELECT unnest($passage_ids))
GROUP BY passages.passage_id
ORDER BY passages.passage_id;
