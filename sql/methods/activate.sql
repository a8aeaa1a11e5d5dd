-- Put the methods of a stage in force, and all its others out of it: rows of the others stay, but are not valid.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per stage x method
-- params: $stage, $fingerprints, $settings
UPDATE methods
SET
    active = list_contains($fingerprints, methods.fingerprint),
    settings = if(list_contains($fingerprints, methods.fingerprint), $settings, methods.settings)
WHERE
    methods.stage = $stage
    AND (
        methods.active != list_contains($fingerprints, methods.fingerprint)
        OR (methods.active AND methods.settings != $settings)
    );
