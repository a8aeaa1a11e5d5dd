-- Runs that embedded passages which have not been held against the benchmarks yet.
-- owner:  tasks/spine/vectors/contamination.py
-- grain:  one row per run
-- params: $model, $settled_runs
SELECT DISTINCT embeddings.run_id
FROM embeddings
WHERE
    embeddings.noun = 'passages'
    AND embeddings.model = $model
    AND embeddings.run_id NOT IN (SELECT unnest($settled_runs))
ORDER BY embeddings.run_id;
