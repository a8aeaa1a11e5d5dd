-- How many inputs each stage refuses under the methods in force, by reason.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row per stage x reason
-- params: none
SELECT
    rejections.stage,
    rejections.reason,
    count(*) AS rows_rejected
FROM rejections
INNER JOIN methods ON rejections.stage = methods.stage AND rejections.fingerprint = methods.fingerprint
WHERE methods.active
GROUP BY rejections.stage, rejections.reason
ORDER BY rejections.stage ASC, rows_rejected DESC, rejections.reason ASC;
