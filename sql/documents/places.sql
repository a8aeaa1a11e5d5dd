-- Which of these places of archives, each of one of these sources at one of these offsets, hold documents already.
-- owner:  tasks/documents.py
-- grain:  one row per document
-- params: $fingerprint, $source_ids, $offsets
SELECT
    documents.source_id,
    documents.record_offset
FROM documents
WHERE
    documents.fingerprint = $fingerprint
    AND documents.source_id IN (SELECT unnest($source_ids))
    AND documents.record_offset IN (SELECT unnest($offsets))
ORDER BY documents.source_id, documents.record_offset;
