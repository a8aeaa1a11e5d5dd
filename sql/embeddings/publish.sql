-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_embeddings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'embeddings' AS noun,
    embeddings.model AS fingerprint,
    embeddings.run_id
FROM unaudited_embeddings AS embeddings
ON CONFLICT DO NOTHING;
