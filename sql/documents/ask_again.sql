-- Make inputs due again that were left out since what was made from them was superseded.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per stage x input x method
-- params: $stage, $fingerprint, $input_id
DELETE FROM rejections
WHERE
    rejections.reason = 'superseded'
    AND rejections.stage = $stage
    AND rejections.fingerprint = $fingerprint
    AND rejections.input_id = $input_id;
