-- Documents that are there already, among those a shard brings: the same page again, or the kept copy of a text.
-- owner:  tasks/documents.py
-- grain:  one row per document
-- params: $fingerprint, $document_ids, $text_digests
SELECT
    documents.document_id,
    documents.text_digest,
    documents.source_id,
    documents.record_offset,
    documents.duplicate_of
FROM documents
WHERE
    documents.fingerprint = $fingerprint
    AND (
        documents.document_id IN (SELECT unnest($document_ids))
        OR documents.text_digest IN (SELECT unnest($text_digests))
    )
ORDER BY documents.document_id;
