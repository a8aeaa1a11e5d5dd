-- The methods of a stage that are in force, and the settings under which they are.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per method
-- params: $stage
SELECT
    methods.fingerprint,
    methods.settings
FROM methods
WHERE methods.stage = $stage AND methods.active
ORDER BY methods.fingerprint;
