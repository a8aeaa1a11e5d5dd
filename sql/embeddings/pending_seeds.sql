-- Seeds that this embedder has neither embedded nor refused.
-- owner:  tasks/embeddings.py
-- grain:  one row per seed
-- params: $model
SELECT DISTINCT
    seeds.seed_id AS text_id,
    seeds.text
FROM valid_seeds AS seeds
WHERE
    seeds.seed_id NOT IN (SELECT embeddings.text_id FROM embeddings WHERE embeddings.model = $model)
    AND seeds.seed_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'embeddings' AND rejections.fingerprint = $model
    )
ORDER BY seeds.seed_id;
