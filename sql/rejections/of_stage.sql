-- How many inputs a stage has refused under the methods in force, by reason.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per reason
-- params: $stage
SELECT
    rejections.reason,
    count(*) AS rows_rejected
FROM rejections
WHERE
    rejections.stage = $stage
    AND rejections.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = $stage AND methods.active)
GROUP BY rejections.reason
ORDER BY rows_rejected DESC, rejections.reason ASC;
