-- How many rows a noun has, whatever methods wrote them.
-- owner:  tasks/spine/standing.py
-- grain:  one row
-- params: none
SELECT count(*) AS rows_all
FROM nouns;
