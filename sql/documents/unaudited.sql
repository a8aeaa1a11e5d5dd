-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per URL x text digest x extraction method
-- params: none
CREATE OR REPLACE VIEW unaudited_documents AS
SELECT documents.*
FROM documents
WHERE
    documents.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'documents'
            AND publications.fingerprint = documents.fingerprint
            AND publications.run_id = documents.run_id
    );
