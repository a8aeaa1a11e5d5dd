-- Counts over the rows of `notes` that no audit has passed yet, that the suite judges.
-- owner:  expectations/notes.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT notes.*
    FROM unaudited_notes AS notes
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.kind <> 'group of answers'  -- it is the input itself
            AND (written.input_id, written.fingerprint) NOT IN (
                SELECT
                    settled.input_id,
                    settled.fingerprint
                FROM settled
            )
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.kind <> 'group of answers'
            AND written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions;
