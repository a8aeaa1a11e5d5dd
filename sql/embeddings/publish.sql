-- Publish the runs whose rows passed their audit, those of the methods in force: from now on `valid_embeddings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'embeddings' AS noun,
    embeddings.run_id
FROM embeddings
WHERE embeddings.model IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'embeddings' AND methods.active)
ON CONFLICT DO NOTHING;
