-- Pages that were refused, by site and reason: of the sites with most of them, and of all others together.
-- owner:  tasks/site/lists.py
-- grain:  one row per refused page x method
-- params: $shows_values
WITH pages AS (
    SELECT
        rejections.*,
        lower(regexp_extract(rejections.detail, ' at \d+\S* https?://([^/:\s?#]+)', 1)) AS domain
    FROM rejections
    WHERE rejections.stage = 'documents'
),

sites AS (  -- as sql/marts/domains.sql counts them
    SELECT
        pages.domain,
        count(*) AS refused
    FROM pages
    WHERE pages.domain <> ''
    GROUP BY pages.domain
    ORDER BY refused DESC, pages.domain ASC
    LIMIT 1000
)

SELECT
    coalesce(sites.domain, 'all others') AS part,
    pages.reason AS kind,
    '' AS run_id,
    pages.input_id AS id,
    '' AS telling,
    if($shows_values, left(pages.detail, 600), '') AS said,
    '' AS what,
    NULL AS line
FROM pages
LEFT JOIN sites ON pages.domain = sites.domain
ORDER BY part, kind, pages.input_id, pages.fingerprint;
