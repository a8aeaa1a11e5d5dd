-- Where what is exported came from, and under which licence: its documents, and the seeds it was shown.
-- owner:  tasks/exports.py
-- grain:  one row per source x licence x kind of use
-- params: $row_ids
WITH exported AS (
    SELECT
        instructions.document_id,
        instructions.parent_ids
    FROM valid_instructions AS instructions
    WHERE instructions.instruction_id IN (SELECT unnest($row_ids))
    UNION ALL
    SELECT
        rewrites.document_id,
        cast([] AS VARCHAR[]) AS parent_ids
    FROM valid_rewrites AS rewrites
    WHERE rewrites.rewrite_id IN (SELECT unnest($row_ids))
),

parents AS (
    SELECT DISTINCT unnest(exported.parent_ids) AS parent_id
    FROM exported
),

shown AS (
    SELECT parents.parent_id AS seed_id
    FROM parents
    UNION
    SELECT groundings.seed_id
    FROM groundings
    WHERE groundings.grounding_id IN (SELECT parents.parent_id FROM parents)
),

used AS (
    SELECT
        'documents' AS used_as,
        documents.document_id AS used_id,
        documents.source_id,
        documents.license
    FROM valid_documents AS documents
    WHERE documents.document_id IN (SELECT exported.document_id FROM exported)
    UNION ALL
    SELECT
        'seeds' AS used_as,
        seeds.seed_id AS used_id,
        seeds.source_id,
        NULL AS license
    FROM valid_seeds AS seeds
    WHERE seeds.seed_id IN (SELECT shown.seed_id FROM shown)
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
