-- Archives, and what came of them.
-- owner:  tasks/spine/marts.py
-- grain:  one row per source
-- params: none
SELECT
    sources.source_id,
    sources.name,
    sources.kind,
    sources.license,
    sources.bytes,
    count(documents.document_id) AS documents,
    count(*) FILTER (WHERE documents.duplicate_of IS NOT NULL) AS duplicates,
    cast(coalesce(sum(documents.tokens) FILTER (WHERE documents.duplicate_of IS NULL), 0) AS BIGINT) AS tokens
FROM sources
LEFT JOIN documents ON sources.source_id = documents.source_id
GROUP BY ALL
ORDER BY documents DESC, sources.source_id ASC;
