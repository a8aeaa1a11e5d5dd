-- Note the sha256 of the manifest that was written with the lines of an export, also where the lines were there before.
-- owner:  tasks/exports.py
-- grain:  one row per line of an exported file
-- params: $fingerprint, $manifest
UPDATE exports
SET manifest = $manifest
WHERE exports.fingerprint = $fingerprint AND exports.manifest <> $manifest;
