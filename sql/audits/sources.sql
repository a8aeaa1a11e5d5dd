-- Counts over `sources`, and over its rows of a run, that the suite judges.
-- owner:  expectations/sources.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT sources.*
    FROM sources
    WHERE sources.run_id = $run_id
)

SELECT (SELECT count(*) FROM written) AS rows_written;
