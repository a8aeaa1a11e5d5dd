-- How many rows `selections` has, whatever methods wrote them.
-- owner:  tasks/spine/summaries.py
-- grain:  one row
-- params: none
SELECT count(*) AS rows_all
FROM selections;
