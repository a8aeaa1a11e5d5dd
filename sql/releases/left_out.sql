-- Instructions in force that the selection in force did not take, or that a person excluded, and why.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per instruction
-- params: none
SELECT
    rejections.input_id AS id,
    min(rejections.reason) AS reason,
    min(rejections.detail) AS detail
FROM rejections
WHERE
    rejections.stage = 'selections'
    AND rejections.fingerprint IN (
        SELECT methods.fingerprint
        FROM methods
        WHERE methods.stage = 'selections' AND methods.active
    )
GROUP BY rejections.input_id
ORDER BY rejections.input_id;
