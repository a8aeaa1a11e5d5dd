-- The pages with these ids: where each was read, and what its text is by its digest; as the methods in force read it.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per page
-- params: $ids
SELECT
    documents.document_id,
    documents.url,
    documents.domain,
    documents.text_digest,
    documents.language,
    coalesce(documents.license, sources.license) AS license,
    documents.fetched_at,
    documents.source_id,
    sources.name AS source,
    sources.sha256,
    documents.record_offset,
    documents.record_length
FROM documents
INNER JOIN sources ON documents.source_id = sources.source_id
LEFT JOIN methods ON methods.stage = 'documents' AND documents.fingerprint = methods.fingerprint AND methods.active
WHERE documents.document_id IN (SELECT unnest($ids))
QUALIFY
    row_number() OVER (
        PARTITION BY documents.document_id
        ORDER BY methods.fingerprint IS NULL ASC, documents.source_id ASC, documents.fingerprint ASC
    ) = 1
ORDER BY documents.document_id;
