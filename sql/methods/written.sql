-- Whether a method has written a row already: one, or none.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row, or none
-- params: $fingerprint
SELECT DISTINCT written.fingerprint
FROM each_by_method AS written
WHERE written.fingerprint = $fingerprint;
