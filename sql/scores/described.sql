-- What the methods of the stage that are in force say of themselves.
-- owner:  tasks/scores.py
-- grain:  one row
-- params: none
SELECT methods.settings
FROM methods
WHERE methods.stage = 'scores' AND methods.active
ORDER BY methods.fingerprint
LIMIT 1;
