-- Whether this set of answers has been compared.
-- owner:  tasks/verdicts.py
-- grain:  one row
-- params: $fingerprint
SELECT count(*) AS rows_made
FROM verdicts
WHERE verdicts.fingerprint = $fingerprint;
