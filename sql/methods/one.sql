-- A method of a stage by its fingerprint, in force or not.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per method
-- params: $stage, $fingerprint
SELECT methods.name
FROM methods
WHERE methods.stage = $stage AND methods.fingerprint = $fingerprint;
