-- Counts over the rows of `steps` that no audit has passed yet, that the suite judges.
-- owner:  expectations/steps.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT steps.*
    FROM unaudited_steps AS steps
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions,
    (
        SELECT count(*)
        FROM written
        WHERE
            (written.input_id, written.fingerprint) NOT IN (
                SELECT
                    settled.input_id,
                    settled.fingerprint
                FROM settled
            )
    ) AS orphans,
    (
        SELECT count(*)
        FROM (
            SELECT written.place
            FROM written
            GROUP BY written.input_id, written.fingerprint, written.place
            HAVING count(*) > 1
        ) AS twice
    ) AS places_twice;
