-- Embeddings of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/embeddings.py
-- grain:  one row per text x embedder
-- params: none
CREATE OR REPLACE VIEW valid_embeddings AS
SELECT embeddings.*
FROM embeddings
WHERE
    embeddings.model IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'embeddings' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'embeddings'
            AND publications.fingerprint = embeddings.model
            AND publications.run_id = embeddings.run_id
    );
