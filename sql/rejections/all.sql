-- Every refused input, with its reason.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per refused input x stage x method
-- params: none
SELECT rejections.*
FROM rejections
ORDER BY rejections.stage, rejections.input_id, rejections.fingerprint;
