-- Take all lines of exported files out that are written anew without what was forgotten.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per exported line
-- params: $paths
DELETE FROM exports
WHERE exports.path IN (SELECT unnest($paths));
