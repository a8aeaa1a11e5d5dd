-- How many inputs each stage has refused in a run, by reason.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per stage x reason
-- params: $run_id
SELECT
    rejections.stage,
    rejections.reason,
    count(*) AS rows_rejected
FROM rejections
WHERE rejections.run_id = $run_id
GROUP BY rejections.stage, rejections.reason
ORDER BY rejections.stage ASC, rows_rejected DESC, rejections.reason ASC;
