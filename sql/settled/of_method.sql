-- The inputs that a method was done with, whether that still stands or not.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input
-- params: $fingerprint
SELECT settled.input_id
FROM settled
WHERE settled.fingerprint = $fingerprint
ORDER BY settled.input_id;
