-- Whether this selection has been made: from the same candidates, under the same settings.
-- owner:  tasks/selections.py
-- grain:  one row
-- params: $fingerprint
SELECT count(*) AS rows_made
FROM selections
WHERE selections.fingerprint = $fingerprint;
