-- What the papers of a dataset say, row by row: each figure in them counts the rows of one claim and one key of it.
-- owner:  tasks/spine/releases/papers.py
-- grain:  one row per claim x key x thing
-- params: $row_ids, $answer_ids (instructions and rewrites that are in it; answers)
WITH RECURSIVE exported AS (
    SELECT unnest($row_ids) AS id
    UNION
    SELECT lineage_origins.parent_id AS id
    FROM exported
    INNER JOIN lineage_origins ON exported.id = lineage_origins.child_id
),

pages AS (
    SELECT
        documents.*,
        sources.name AS source,
        sources.kind AS source_kind,
        coalesce(documents.license, sources.license, 'not stated') AS terms
    FROM valid_documents AS documents
    INNER JOIN sources ON documents.source_id = sources.source_id
    WHERE documents.document_id IN (SELECT exported.id FROM exported)
),

asked AS (
    SELECT
        seeds.*,
        sources.name AS source,
        sources.kind AS source_kind,
        coalesce(sources.license, 'not stated') AS terms
    FROM valid_seeds AS seeds
    INNER JOIN sources ON seeds.source_id = sources.source_id
    WHERE seeds.seed_id IN (SELECT exported.id FROM exported)
),

made AS (
    SELECT
        'instruction' AS kind,
        instructions.instruction_id AS id,
        instructions.text,
        instructions.completion_id,
        '' AS model
    FROM valid_instructions AS instructions
    WHERE instructions.instruction_id IN (SELECT unnest($row_ids))
    UNION ALL
    SELECT
        'rewrite' AS kind,
        rewrites.rewrite_id AS id,
        rewrites.text,
        rewrites.completion_id,
        '' AS model
    FROM valid_rewrites AS rewrites
    WHERE rewrites.rewrite_id IN (SELECT unnest($row_ids))
    UNION ALL
    SELECT
        'response' AS kind,
        responses.response_id AS id,
        responses.text,
        responses.completion_id,
        responses.model
    FROM valid_responses AS responses
    WHERE responses.response_id IN (SELECT unnest($answer_ids))
),

refused AS (
    SELECT
        rejections.reason,
        rejections.input_id,
        regexp_replace(rejections.detail, '^.*? at ([0-9]+\+[0-9]+) ', 'record at \1 ') AS detail  -- not where the archive lay
    FROM rejections
    WHERE
        rejections.stage = 'documents'
        AND rejections.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
),

claims AS (
    SELECT
        'source' AS claim,
        pages.source AS key,
        'document' AS kind,
        pages.document_id AS id,
        strlen(pages.text) AS size,
        pages.fetched_at AS moment,
        pages.source_kind AS detail
    FROM pages
    UNION ALL
    SELECT
        'source' AS claim,
        asked.source AS key,
        'seed' AS kind,
        asked.seed_id AS id,
        strlen(asked.text) AS size,
        NULL AS moment,
        asked.source_kind AS detail
    FROM asked
    UNION ALL
    SELECT
        'domain' AS claim,
        pages.domain AS key,
        'document' AS kind,
        pages.document_id AS id,
        strlen(pages.text) AS size,
        pages.fetched_at AS moment,
        pages.source AS detail
    FROM pages
    UNION ALL
    SELECT
        'licence' AS claim,
        pages.terms AS key,
        'document' AS kind,
        pages.document_id AS id,
        strlen(pages.text) AS size,
        NULL AS moment,
        '' AS detail
    FROM pages
    UNION ALL
    SELECT
        'licence' AS claim,
        asked.terms AS key,
        'seed' AS kind,
        asked.seed_id AS id,
        strlen(asked.text) AS size,
        NULL AS moment,
        '' AS detail
    FROM asked
    UNION ALL
    SELECT
        'language' AS claim,
        pages.language AS key,
        'document' AS kind,
        pages.document_id AS id,
        strlen(pages.text) AS size,
        NULL AS moment,
        '' AS detail
    FROM pages
    UNION ALL
    SELECT
        'language' AS claim,
        asked.language AS key,
        'seed' AS kind,
        asked.seed_id AS id,
        strlen(asked.text) AS size,
        NULL AS moment,
        '' AS detail
    FROM asked
    UNION ALL
    SELECT
        'synthetic' AS claim,
        coalesce(nullif(completions.served, ''), nullif(made.model, ''), completions.model, 'not known') AS key,
        made.kind,
        made.id,
        strlen(made.text) AS size,
        NULL AS moment,
        '' AS detail
    FROM made
    LEFT JOIN completions ON made.completion_id = completions.completion_id
    UNION ALL
    SELECT
        'personal data' AS claim,
        redactions.kind AS key,
        'document' AS kind,
        redactions.document_id AS id,
        redactions.count AS size,
        NULL AS moment,
        '' AS detail
    FROM redactions
    INNER JOIN pages ON redactions.document_id = pages.document_id AND redactions.fingerprint = pages.fingerprint
    UNION ALL
    SELECT
        'opt-out' AS claim,
        coalesce(
            nullif(
                regexp_extract(
                    concat(' ', refused.detail),
                    '[ ,](meta [^:,]+|X-Robots-Tag|TDM-Reservation|Content-Usage|Content-Signal|RSL|(?:robots|ai)\.txt|tdmrep\.json)',
                    1
                ),
                ''
            ),
            'other'
        ) AS key,
        if(documents.document_id IS NULL, 'refused', 'document') AS kind,
        refused.input_id AS id,
        coalesce(strlen(documents.text), 0) AS size,
        documents.fetched_at AS moment,
        refused.detail
    FROM refused
    LEFT JOIN documents
        ON
            refused.input_id = documents.document_id
            AND documents.fingerprint IN (
                SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active
            )
    WHERE refused.reason = 'opt_out'
    UNION ALL
    SELECT
        'rule of a site' AS claim,
        site_rules.name AS key,
        'rule of a site' AS kind,
        site_rules.site_rules_id AS id,
        len(site_rules.rules) AS size,
        NULL AS moment,
        concat(site_rules.host, ': ', array_to_string(site_rules.rules[:20], ', ')) AS detail
    FROM site_rules
    WHERE len(list_filter(site_rules.rules, LAMBDA rule: NOT starts_with(rule, 'allow: ') AND NOT ends_with(rule, ' allowed'))) > 0
    UNION ALL
    SELECT
        'refused' AS claim,
        refused.reason AS key,
        'refused' AS kind,
        refused.input_id AS id,
        0 AS size,
        NULL AS moment,
        '' AS detail
    FROM refused
    WHERE refused.reason NOT IN ('opt_out', 'forgotten')  -- the one is a claim of its own; what is forgotten is counted below
    UNION ALL
    SELECT
        'forgotten' AS claim,
        tombstones.kind AS key,
        'tombstone' AS kind,
        cast(row_number() OVER (PARTITION BY tombstones.kind ORDER BY tombstones.value) AS VARCHAR) AS id,
        0 AS size,
        NULL AS moment,
        '' AS detail
    FROM tombstones
    WHERE tombstones.kind IN ('url', 'domain', 'source')
)

SELECT
    claims.claim,
    claims.key,
    claims.kind,
    claims.id,
    cast(claims.size AS BIGINT) AS size,
    claims.moment,
    claims.detail
FROM claims
ORDER BY claims.claim, claims.key, claims.kind, claims.id;
