-- Why inputs were refused: counts by reason, with one of the details.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per run x stage x reason
-- params: $run_id (NULL: every run)
SELECT
    rejections.run_id,
    rejections.stage,
    rejections.reason,
    count(*) AS rows_rejected,
    min(rejections.input_id) AS example_id,
    arg_min(rejections.detail, rejections.input_id) AS example_detail
FROM rejections
WHERE $run_id IS NULL OR rejections.run_id = $run_id
GROUP BY rejections.run_id, rejections.stage, rejections.reason
ORDER BY rejections.run_id ASC, rejections.stage ASC, rows_rejected DESC, rejections.reason ASC;
