-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_embeddings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'embeddings' AS noun,
    embeddings.run_id
FROM embeddings
WHERE embeddings.model NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'embeddings' AND NOT methods.active)
ON CONFLICT DO NOTHING;
