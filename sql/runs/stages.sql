-- What each stage has cost so far, over all runs, in calls and money.
-- owner:  tasks/spine/summaries.py
-- grain:  one row per stage
-- params: none
SELECT
    receipts.stage,
    sum(receipts.calls)::BIGINT AS calls,
    sum(receipts.cost_usd) AS cost_usd
FROM receipts
GROUP BY receipts.stage
ORDER BY receipts.stage;
