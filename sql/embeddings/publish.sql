-- Publish what passed its audit: from now on `valid_embeddings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'embeddings' AS noun,
    embeddings.run_id
FROM embeddings
ON CONFLICT DO NOTHING;
