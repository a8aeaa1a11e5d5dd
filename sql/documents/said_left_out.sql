-- Inputs that are not asked about again since what was made from them is superseded, as it was said.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per stage x input x method
-- params: none
SELECT
    rejections.stage,
    rejections.input_id,
    rejections.fingerprint,
    rejections.detail
FROM rejections
WHERE rejections.stage IN ('groundings', 'instructions') AND rejections.reason = 'superseded'
ORDER BY rejections.stage, rejections.input_id, rejections.fingerprint;
