-- Archives, and what came of them.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per source
-- params: none
WITH read_documents AS (
    SELECT
        documents.source_id,
        documents.tokens,
        documents.duplicate_of IS NOT NULL
        OR documents.document_id IN (SELECT near.document_id FROM duplicates AS near) AS is_copy
    FROM documents
)

SELECT
    sources.source_id,
    sources.name,
    sources.kind,
    sources.license,
    sources.bytes,
    count(read_documents.source_id) AS documents,
    count(*) FILTER (WHERE read_documents.is_copy) AS duplicates,
    cast(coalesce(sum(read_documents.tokens) FILTER (WHERE NOT read_documents.is_copy), 0) AS BIGINT) AS tokens
FROM sources
LEFT JOIN read_documents ON sources.source_id = read_documents.source_id
GROUP BY ALL
ORDER BY documents DESC, sources.source_id ASC;
