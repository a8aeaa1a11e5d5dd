-- How many rows of a noun later stages see.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row
-- params: none
SELECT count(*) AS rows_valid
FROM valid_nouns;
