-- Revisit records, and the document of the original page where the store has it.
-- owner:  tasks/documents.py
-- grain:  one row per revisit record
-- params: none
SELECT
    rejections.input_id,
    rejections.detail,
    min(documents.document_id) AS document_id
FROM rejections
LEFT JOIN documents
    ON
        rejections.fingerprint = documents.fingerprint
        AND documents.url = regexp_extract(rejections.detail, ': of (.+) at [^ ]+$', 1)
WHERE rejections.stage = 'documents' AND rejections.reason = 'revisit'
GROUP BY rejections.input_id, rejections.detail
ORDER BY rejections.input_id;
