-- The methods in force, by stage: prompts and settings are in their fingerprints.
-- owner:  tasks/exports.py
-- grain:  one row per stage x method
-- params: none
SELECT
    methods.stage,
    methods.name,
    methods.fingerprint
FROM methods
WHERE methods.active AND methods.stage <> 'exports'
ORDER BY methods.stage, methods.name, methods.fingerprint;
