-- Documents that were found to be superseded, and what was said of each.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per document
-- params: $fingerprint
SELECT
    rejections.input_id AS document_id,
    rejections.detail
FROM rejections
WHERE
    rejections.stage = 'documents'
    AND rejections.reason = 'superseded'
    AND rejections.fingerprint = $fingerprint
ORDER BY rejections.input_id;
