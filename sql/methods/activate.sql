-- Put the methods of a stage in force, and all its others out of it: rows of the others stay, but are not valid.
-- owner:  tasks/spine/runs.py
-- grain:  one row per stage x method
-- params: $stage, $fingerprints
UPDATE methods
SET active = list_contains($fingerprints, methods.fingerprint)
WHERE methods.stage = $stage AND methods.active != list_contains($fingerprints, methods.fingerprint);
