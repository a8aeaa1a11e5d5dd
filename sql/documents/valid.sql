-- Documents of the methods in force whose run passed its audit, copies, older texts of a page and what was refused later left out.
-- owner:  tasks/documents.py
-- grain:  one row per URL x text digest x extraction method
-- params: none
CREATE OR REPLACE VIEW valid_documents AS
SELECT documents.*
FROM documents
WHERE
    documents.duplicate_of IS NULL
    AND documents.document_id NOT IN (
        SELECT duplicates.document_id
        FROM duplicates
        WHERE duplicates.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'duplicates' AND methods.active)
    )
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'documents'
            AND rejections.reason IN ('opt_out', 'superseded')  -- of a row: other reasons refuse an item before it is one
            AND rejections.input_id = documents.document_id
            AND rejections.fingerprint = documents.fingerprint
    )
    AND documents.document_id NOT IN (  -- of whose passages one means what a benchmark asks
        SELECT passages.document_id
        FROM passages
        INNER JOIN rejections ON passages.passage_id = rejections.input_id
        WHERE
            rejections.stage = 'embeddings'
            AND rejections.reason = 'contaminated'
            AND rejections.fingerprint IN (
                SELECT methods.fingerprint FROM methods WHERE methods.stage = 'embeddings' AND methods.active
            )
    )
    AND documents.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'documents'
            AND publications.fingerprint = documents.fingerprint
            AND publications.run_id = documents.run_id
    );
