-- What holds of `sources` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/sources.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT sources.*
    FROM sources
    WHERE sources.run_id = $run_id
)

SELECT (SELECT count(*) FROM written) AS rows_written;
