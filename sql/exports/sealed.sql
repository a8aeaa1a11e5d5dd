-- The sha256 of the manifest of an export of this content; null where none was made.
-- owner:  tasks/exports.py
-- grain:  one row
-- params: $fingerprint
SELECT max(exports.manifest) AS manifest
FROM exports
WHERE exports.fingerprint = $fingerprint;
