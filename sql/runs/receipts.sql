-- What a run did: rows in, out and refused, calls, tokens, cost and seconds by stage, in the order they ended.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per stage
-- params: $run_id
SELECT
    receipts.stage,
    sum(receipts.rows_in)::BIGINT AS rows_in,
    sum(receipts.rows_out)::BIGINT AS rows_out,
    sum(receipts.rows_rejected)::BIGINT AS rows_rejected,
    sum(receipts.calls)::BIGINT AS calls,
    sum(receipts.cached_calls)::BIGINT AS cached_calls,
    sum(receipts.prompt_tokens)::BIGINT AS prompt_tokens,
    sum(receipts.completion_tokens)::BIGINT AS completion_tokens,
    sum(receipts.cost_usd) AS cost_usd,
    sum(receipts.seconds) AS seconds,
    max(receipts.finished_at) AS finished_at
FROM receipts
WHERE receipts.run_id = $run_id
GROUP BY receipts.stage
ORDER BY finished_at, receipts.stage;
