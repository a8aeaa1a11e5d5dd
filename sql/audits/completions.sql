-- Counts over `completions`, and over its rows of a run, that the suite judges.
-- owner:  expectations/completions.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT completions.*
    FROM completions
    WHERE completions.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        WHERE NOT starts_with(written.model, 'offline') AND written.cost_usd = 0
    ) AS priced_at_nothing;
