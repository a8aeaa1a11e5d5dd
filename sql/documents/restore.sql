-- Take back that documents are superseded.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per document
-- params: $fingerprint, $document_ids
DELETE FROM rejections
WHERE
    rejections.stage = 'documents'
    AND rejections.reason = 'superseded'
    AND rejections.fingerprint = $fingerprint
    AND rejections.input_id IN (SELECT unnest($document_ids));
