-- Counts over the rows of `settled` that no audit has passed yet, that the suite judges.
-- owner:  expectations/settled.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT settled.*
    FROM unaudited_settled AS settled
),

made AS (
    SELECT
        rows_of.input_id,
        rows_of.fingerprint,
        count(*) AS rows_made
    FROM each_ledger AS rows_of
    GROUP BY rows_of.input_id, rows_of.fingerprint
),

refused AS (
    SELECT
        rejections.stage,
        split_part(rejections.input_id, '#', 1) AS input_id,
        rejections.fingerprint,
        count(*) AS rows_refused
    FROM rejections
    WHERE rejections.reason NOT IN ('forgotten', 'superseded')
    GROUP BY rejections.stage, split_part(rejections.input_id, '#', 1), rejections.fingerprint
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        LEFT JOIN made ON written.input_id = made.input_id AND written.fingerprint = made.fingerprint
        WHERE written.stage <> 'seeds' AND written.made > coalesce(made.rows_made, 0)  -- marks of seeds are shared
    ) AS lost_rows,
    (
        SELECT count(*)
        FROM written
        LEFT JOIN refused
            ON
                written.stage = refused.stage
                AND written.input_id = refused.input_id
                AND written.fingerprint = refused.fingerprint
        WHERE written.refused <> coalesce(refused.rows_refused, 0)
    ) AS lost_refusals,
    (
        SELECT count(*)
        FROM (
            SELECT written.input_id
            FROM written
            GROUP BY written.input_id, written.fingerprint
            HAVING count(*) > 1
        ) AS twice
    ) AS settled_twice;
