-- What the methods in force refuse, of one stage and for one reason or of all: for a person to look at.
-- owner:  tasks/spine/watching/frames.py
-- grain:  one row per refused input x stage x method
-- params: $stage, $reason
SELECT
    rejections.stage,
    rejections.input_id,
    rejections.reason,
    rejections.detail,
    rejections.run_id
FROM rejections
INNER JOIN methods ON rejections.stage = methods.stage AND rejections.fingerprint = methods.fingerprint
WHERE
    methods.active
    AND rejections.stage = coalesce($stage, rejections.stage)
    AND rejections.reason = coalesce($reason, rejections.reason)
ORDER BY rejections.stage, rejections.input_id, rejections.fingerprint;
