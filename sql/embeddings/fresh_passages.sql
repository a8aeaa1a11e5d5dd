-- Vectors of valid passages that have not been held against the benchmarks yet.
-- owner:  tasks/spine/vectors/contamination.py
-- grain:  one row per passage
-- params: $model, $settled_runs
SELECT
    embeddings.text_id,
    embeddings.vector
FROM embeddings
WHERE
    embeddings.noun = 'passages'
    AND embeddings.model = $model
    AND embeddings.run_id NOT IN (SELECT unnest($settled_runs))
    AND embeddings.text_id IN (SELECT passages.passage_id FROM valid_passages AS passages)
ORDER BY embeddings.text_id;
