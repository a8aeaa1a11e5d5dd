-- Rewrites of the programs in force whose run passed its audit, of pages in force: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per rewrite x method
-- params: none
CREATE OR REPLACE VIEW valid_rewrites AS
SELECT rewrites.*
FROM rewrites
WHERE
    rewrites.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'rewrites'
            AND publications.fingerprint = rewrites.fingerprint
            AND publications.run_id = rewrites.run_id
    )
    AND rewrites.document_id IN (SELECT documents.document_id FROM valid_documents AS documents);
