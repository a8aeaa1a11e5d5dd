-- Sites that pages come from: documents in use, instructions written from them, and pages that were refused.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per domain
-- params: none
WITH used AS (
    SELECT
        valid_documents.domain,
        count(DISTINCT valid_documents.document_id) AS documents,
        cast(sum(valid_documents.tokens) AS BIGINT) AS tokens,
        count(DISTINCT valid_instructions.instruction_id) AS instructions
    FROM valid_documents
    LEFT JOIN valid_instructions ON valid_documents.document_id = valid_instructions.document_id
    GROUP BY valid_documents.domain
),

refused AS (  -- as sql/rows/list_sites.sql lists them
    SELECT
        lower(regexp_extract(rejections.detail, ' at \d+\S* https?://([^/:\s?#]+)', 1)) AS domain,
        count(*) AS refused
    FROM rejections
    WHERE rejections.stage = 'documents'
    GROUP BY domain
    HAVING domain <> ''
    ORDER BY refused DESC, domain ASC
    LIMIT 1000
)

SELECT
    coalesce(used.domain, refused.domain) AS domain,
    coalesce(used.documents, 0) AS documents,
    coalesce(used.tokens, 0) AS tokens,
    coalesce(used.instructions, 0) AS instructions,
    coalesce(refused.refused, 0) AS refused
FROM used
FULL JOIN refused ON used.domain = refused.domain
ORDER BY coalesce(used.documents, 0) + coalesce(refused.refused, 0) DESC, domain ASC
LIMIT 1000;
