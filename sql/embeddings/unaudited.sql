-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per text x embedder
-- params: none
CREATE OR REPLACE VIEW unaudited_embeddings AS
SELECT embeddings.*
FROM embeddings
WHERE
    embeddings.model NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'embeddings' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'embeddings'
            AND publications.fingerprint = embeddings.model
            AND publications.run_id = embeddings.run_id
    );
