-- How many lines an export of this content has in the store.
-- owner:  tasks/exports.py
-- grain:  one row
-- params: $fingerprint
SELECT count(*) AS rows_made
FROM exports
WHERE exports.fingerprint = $fingerprint;
