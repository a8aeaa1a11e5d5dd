-- Counts over `responses`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/responses.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT responses.*
    FROM responses
    WHERE responses.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'responses')
),

marked AS (
    SELECT
        responses.*,
        responses.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'responses') AS is_new
    FROM responses
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'responses') AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'responses') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY cast(floor(log2(greatest(length(every.text), 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.instruction_id NOT IN (SELECT instructions.instruction_id FROM instructions)
            AND written.instruction_id NOT IN (SELECT seeds.seed_id FROM seeds)
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions;
