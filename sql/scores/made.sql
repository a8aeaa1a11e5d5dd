-- How many scores a method over sets has given of this set.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row
-- params: $fingerprint
SELECT count(*) AS rows_made
FROM scores
WHERE scores.fingerprint = $fingerprint;
