-- Passages of the methods in force whose run passed its audit, of documents that are valid: what later stages read.
-- owner:  tasks/passages.py
-- grain:  one row per document x span x method
-- params: none
CREATE OR REPLACE VIEW valid_passages AS
SELECT passages.*
FROM passages
WHERE
    passages.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'passages' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'passages'
            AND publications.fingerprint = passages.fingerprint
            AND publications.run_id = passages.run_id
    )
    AND passages.document_id IN (SELECT documents.document_id FROM valid_documents AS documents);
