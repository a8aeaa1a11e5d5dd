-- Which of these inputs a method has refused already.
-- owner:  tasks/spine/running/sharding.py
-- grain:  one row per refused input
-- params: $stage, $fingerprint, $input_ids
SELECT rejections.input_id
FROM rejections
WHERE
    rejections.stage = $stage
    AND rejections.fingerprint = $fingerprint
    AND rejections.input_id IN (SELECT unnest($input_ids))
ORDER BY rejections.input_id;
