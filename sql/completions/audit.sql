-- Counts over the rows of `completions` that no audit has passed yet, that the suite judges.
-- owner:  expectations/completions.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT completions.*
    FROM unaudited_completions AS completions
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        WHERE regexp_matches(written.request, '\bsk-[A-Za-z0-9_-]{20,}|(?i:authorization\\*"\s*:)')
    ) AS quoted_keys,
    (
        SELECT count(*)
        FROM written
        WHERE isnan(written.cost_usd)
    ) AS unpriced;
