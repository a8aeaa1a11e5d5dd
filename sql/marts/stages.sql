-- Stages of runs: inputs, those that became rows, those refused; calls, tokens, cost and seconds.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per run x stage
-- params: $run_id (NULL: every run)
SELECT
    receipts.run_id,
    receipts.stage,
    cast(sum(receipts.rows_in) AS BIGINT) AS rows_in,
    cast(sum(receipts.rows_out) AS BIGINT) AS rows_out,
    cast(sum(receipts.rows_rejected) AS BIGINT) AS rows_rejected,
    cast(sum(receipts.calls) AS BIGINT) AS calls,
    cast(sum(receipts.cached_calls) AS BIGINT) AS cached_calls,
    cast(sum(receipts.prompt_tokens) AS BIGINT) AS prompt_tokens,
    cast(sum(receipts.completion_tokens) AS BIGINT) AS completion_tokens,
    sum(receipts.cost_usd) AS cost_usd,
    sum(receipts.seconds) AS seconds,
    min(receipts.finished_at) AS finished_at
FROM receipts
WHERE $run_id IS NULL OR receipts.run_id = $run_id
GROUP BY receipts.run_id, receipts.stage
ORDER BY receipts.run_id, finished_at, receipts.stage;
