-- Where what is exported came from, and under which licence: pages and seeds, also those of notes, rewrites and rows drawn.
-- owner:  tasks/exports.py
-- grain:  one row per source x licence x kind of use
-- params: $row_ids
WITH RECURSIVE exported AS (
    SELECT unnest($row_ids) AS id
    UNION
    SELECT lineage_origins.parent_id AS id
    FROM exported
    INNER JOIN lineage_origins ON exported.id = lineage_origins.child_id
),

used AS (
    SELECT
        'documents' AS used_as,
        documents.document_id AS used_id,
        documents.source_id,
        documents.license
    FROM valid_documents AS documents
    WHERE documents.document_id IN (SELECT exported.id FROM exported)
    UNION ALL
    SELECT
        'seeds' AS used_as,
        seeds.seed_id AS used_id,
        seeds.source_id,
        NULL AS license
    FROM valid_seeds AS seeds
    WHERE seeds.seed_id IN (SELECT exported.id FROM exported)
)

SELECT
    used.used_as,
    sources.name,
    sources.sha256,
    coalesce(used.license, sources.license, 'not stated') AS license,
    count(DISTINCT used.used_id) AS rows_used
FROM used
INNER JOIN sources ON used.source_id = sources.source_id
GROUP BY ALL
ORDER BY used.used_as, sources.name, sources.sha256, license;
