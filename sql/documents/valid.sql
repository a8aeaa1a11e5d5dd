-- Documents of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/documents.py
-- grain:  one row per URL x text digest x extraction method
-- params: none
CREATE OR REPLACE VIEW valid_documents AS
SELECT documents.*
FROM documents
WHERE
    documents.duplicate_of IS NULL
    AND documents.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
    AND documents.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'documents');
