-- How many rows a noun has, whatever methods wrote them.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row
-- params: none
SELECT count(*) AS rows_all
FROM nouns;
