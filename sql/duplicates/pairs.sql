-- Pairs of documents that are nearly the same, each text by the document that is kept of it; what was refused is left out.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per pair
-- params: $fingerprint, $duplicates_fingerprint
WITH kept AS (
    SELECT
        documents.document_id,
        documents.text_digest
    FROM documents
    WHERE
        documents.fingerprint = $fingerprint
        AND documents.duplicate_of IS NULL
        AND documents.document_id NOT IN (
            SELECT rejections.input_id
            FROM rejections
            WHERE rejections.stage = 'documents' AND rejections.fingerprint = $fingerprint
        )
)

SELECT
    kept_a.document_id AS document_a,
    kept_b.document_id AS document_b,
    similarities.similarity
FROM similarities
INNER JOIN documents AS compared_a
    ON similarities.document_a = compared_a.document_id AND compared_a.fingerprint = $fingerprint
INNER JOIN documents AS compared_b
    ON similarities.document_b = compared_b.document_id AND compared_b.fingerprint = $fingerprint
INNER JOIN kept AS kept_a ON compared_a.text_digest = kept_a.text_digest
INNER JOIN kept AS kept_b ON compared_b.text_digest = kept_b.text_digest
WHERE similarities.fingerprint = $duplicates_fingerprint
ORDER BY document_a, document_b;
