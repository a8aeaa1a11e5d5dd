-- Passages that this embedder has neither embedded nor refused.
-- owner:  tasks/embeddings.py
-- grain:  one row per passage
-- params: $model
SELECT DISTINCT
    passages.passage_id AS text_id,
    passages.text
FROM valid_passages AS passages
WHERE
    passages.passage_id NOT IN (SELECT embeddings.text_id FROM embeddings WHERE embeddings.model = $model)
    AND passages.passage_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'embeddings' AND rejections.fingerprint = $model
    )
ORDER BY passages.passage_id;
