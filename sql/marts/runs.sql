-- Runs: when, how they ended, what they made, what they cost, what their audits said.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per run
-- params: $run_id (NULL: every run)
WITH receipts_of AS (
    SELECT
        receipts.run_id,
        cast(sum(receipts.rows_in) AS BIGINT) AS rows_in,
        cast(sum(receipts.rows_out) AS BIGINT) AS rows_out,
        cast(sum(receipts.rows_rejected) AS BIGINT) AS rows_rejected,
        cast(sum(receipts.rows_out) FILTER (WHERE receipts.stage = 'exports') AS BIGINT) AS exported,
        cast(sum(receipts.cached_calls) AS BIGINT) AS cached_calls
    FROM receipts
    GROUP BY receipts.run_id
),

-- A stage that was parked or killed in the middle has no receipt; what it paid is in its calls all the same.
paid AS (
    SELECT
        completions.run_id,
        count(*) AS calls,
        cast(sum(completions.prompt_tokens) AS BIGINT) AS prompt_tokens,
        cast(sum(completions.completion_tokens) AS BIGINT) AS completion_tokens,
        sum(completions.cost_usd) AS cost_usd
    FROM completions
    GROUP BY completions.run_id
),

audits AS (
    SELECT
        validations.run_id,
        count(*) AS expectations,
        count(*) FILTER (WHERE NOT validations.success AND validations.severity = 'fail') AS failed,
        count(*) FILTER (WHERE NOT validations.success AND validations.severity = 'warn') AS warned
    FROM validations
    GROUP BY validations.run_id
)

SELECT
    runs.run_id,
    runs.flow,
    runs.status,
    runs.started_at,
    runs.ended_at,
    date_diff('millisecond', runs.started_at, runs.ended_at) / 1000 AS seconds,
    runs.commit,
    runs.error,
    coalesce(receipts_of.rows_in, 0) AS rows_in,
    coalesce(receipts_of.rows_out, 0) AS rows_out,
    coalesce(receipts_of.rows_rejected, 0) AS rows_rejected,
    coalesce(receipts_of.exported, 0) AS exported,
    coalesce(paid.calls, 0) AS calls,
    coalesce(receipts_of.cached_calls, 0) AS cached_calls,
    coalesce(paid.prompt_tokens, 0) AS prompt_tokens,
    coalesce(paid.completion_tokens, 0) AS completion_tokens,
    coalesce(paid.cost_usd, 0) AS cost_usd,
    coalesce(audits.expectations, 0) AS expectations,
    coalesce(audits.failed, 0) AS failed,
    coalesce(audits.warned, 0) AS warned
FROM runs
LEFT JOIN receipts_of ON runs.run_id = receipts_of.run_id
LEFT JOIN paid ON runs.run_id = paid.run_id
LEFT JOIN audits ON runs.run_id = audits.run_id
WHERE $run_id IS NULL OR runs.run_id = $run_id
ORDER BY runs.started_at, runs.run_id;
