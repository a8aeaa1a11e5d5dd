-- Counts over `seeds`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/seeds.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT seeds.*
    FROM seeds
    WHERE seeds.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'seeds')
),

marked AS (
    SELECT
        seeds.*,
        seeds.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'seeds') AS is_new
    FROM seeds
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'seeds') AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'seeds') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY every.language
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS language_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY cast(floor(log2(greatest(every.tokens, 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.source_id NOT IN (SELECT sources.source_id FROM sources)
    ) AS orphans;
