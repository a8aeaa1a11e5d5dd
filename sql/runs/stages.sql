-- What each stage has cost so far, over all runs, in calls and money; and what an input of it costs where all is paid.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row per stage
-- params: none
SELECT
    receipts.stage,
    sum(receipts.calls)::BIGINT AS calls,
    sum(receipts.cost_usd) AS cost_usd,
    CASE
        WHEN sum(receipts.rows_in) = 0 THEN NULL  -- nothing of it was ever finished
        WHEN sum(receipts.calls + receipts.cached_calls) = 0 THEN 0  -- it asks no model
        ELSE
            sum(receipts.cost_usd) / nullif(sum(receipts.calls), 0)
            * sum(receipts.calls + receipts.cached_calls)
            / nullif(sum(receipts.rows_in) FILTER (WHERE receipts.calls + receipts.cached_calls > 0), 0)
    END AS cost_of_a_row_usd
FROM receipts
GROUP BY receipts.stage
ORDER BY receipts.stage;
