-- The passages with the lowest ids, to fit an embedder on.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per passage
-- params: $at_most
SELECT DISTINCT
    passages.passage_id AS text_id,
    passages.text
FROM valid_passages AS passages
ORDER BY passages.passage_id
LIMIT $at_most;
