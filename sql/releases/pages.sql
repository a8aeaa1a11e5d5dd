-- The pages with these ids: where each was read, and what its text is by its digest.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per page
-- params: $ids
SELECT
    documents.document_id,
    min(documents.url) AS url,
    min(documents.domain) AS domain,
    min(documents.text_digest) AS text_digest,
    min(documents.language) AS language,
    min(coalesce(documents.license, sources.license)) AS license,
    min(documents.fetched_at) AS fetched_at,
    min(documents.source_id) AS source_id,
    min(sources.name) AS source,
    min(sources.sha256) AS sha256,
    min(documents.record_offset) AS record_offset,
    min(documents.record_length) AS record_length
FROM documents
INNER JOIN sources ON documents.source_id = sources.source_id
WHERE documents.document_id IN (SELECT unnest($ids))
GROUP BY documents.document_id
ORDER BY documents.document_id;
