-- Of documents with one text keep the one that was fetched first among those that nothing has refused.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per document
-- params: $fingerprint
UPDATE documents
SET duplicate_of = elected.original
FROM (
    WITH shared AS (
        SELECT documents.text_digest
        FROM documents
        WHERE documents.fingerprint = $fingerprint
        GROUP BY documents.text_digest
        HAVING count(*) > 1
    ),

    refused AS (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'documents' AND rejections.fingerprint = $fingerprint
    )

    SELECT
        copies.document_id,
        first_value(copies.document_id) OVER (
            PARTITION BY copies.text_digest
            ORDER BY copies.document_id IN (SELECT refused.input_id FROM refused), fetched.first_place, copies.document_id
        ) AS kept_id,
        nullif(kept_id, copies.document_id) AS original
    FROM documents AS copies
    INNER JOIN shared ON copies.text_digest = shared.text_digest
    INNER JOIN fetched_documents AS fetched
        ON copies.document_id = fetched.document_id AND copies.fingerprint = fetched.fingerprint
    WHERE copies.fingerprint = $fingerprint
) AS elected
WHERE
    documents.document_id = elected.document_id
    AND documents.fingerprint = $fingerprint
    AND documents.duplicate_of IS DISTINCT FROM elected.original;
