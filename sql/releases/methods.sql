-- The methods in force, with the settings that went into their fingerprints.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per stage x method
-- params: none
SELECT
    methods.stage,
    methods.name,
    methods.fingerprint,
    methods.settings
FROM methods
WHERE methods.active
ORDER BY methods.stage, methods.name, methods.fingerprint;
