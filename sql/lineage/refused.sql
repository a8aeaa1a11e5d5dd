-- What was refused under an id, or under one that begins like this.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per refused input x stage x method
-- params: $prefix
SELECT
    rejections.input_id,
    rejections.stage,
    rejections.reason,
    rejections.detail,
    rejections.fingerprint,
    rejections.run_id
FROM rejections
WHERE starts_with(rejections.input_id, $prefix)
ORDER BY rejections.input_id, rejections.stage, rejections.fingerprint
LIMIT 200;
