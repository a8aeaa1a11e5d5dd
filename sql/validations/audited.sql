-- How far the mix of what is not published yet, of the methods in force, has moved from that of the last ten published runs
-- of its table, in total variation: 0 the same, 1 nothing in common. No row where either side has under 100. Lengths are powers
-- of two; topics are tenths of a selection's topics by size, since the number of a cluster means nothing in another run.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per table x mix
-- params: none
CREATE OR REPLACE VIEW drifts AS
WITH parts AS (
    SELECT
        mixes.noun,
        mixes.mix,
        mixes.run_id,
        mixes.fingerprint,
        mixes.part,
        mixes.weight
    FROM each_mix AS mixes
    UNION ALL
    SELECT
        rejections.stage AS noun,
        'reasons' AS mix,
        rejections.run_id,
        cast(NULL AS VARCHAR) AS fingerprint,
        rejections.reason AS part,
        1 AS weight
    FROM rejections
    UNION ALL
    SELECT
        receipts.stage AS noun,
        'refusals' AS mix,
        receipts.run_id,
        cast(NULL AS VARCHAR) AS fingerprint,
        'refused' AS part,
        receipts.rows_rejected AS weight
    FROM receipts
    UNION ALL
    SELECT
        receipts.stage AS noun,
        'refusals' AS mix,
        receipts.run_id,
        cast(NULL AS VARCHAR) AS fingerprint,
        'kept' AS part,
        greatest(receipts.rows_in - receipts.rows_rejected, 0) AS weight
    FROM receipts
),

recent AS (
    SELECT
        publications.noun,
        publications.run_id
    FROM publications
    LEFT JOIN runs ON publications.run_id = runs.run_id
    GROUP BY publications.noun, publications.run_id, runs.started_at
    QUALIFY row_number() OVER (PARTITION BY publications.noun ORDER BY runs.started_at DESC NULLS LAST, publications.run_id ASC) <= 10
),

superseded AS (
    SELECT methods.fingerprint
    FROM methods
    GROUP BY methods.fingerprint
    HAVING NOT bool_or(methods.active)
),

sides AS (
    SELECT
        parts.noun,
        parts.mix,
        parts.part,
        sum(parts.weight) FILTER (
            WHERE
            (parts.noun, parts.run_id) NOT IN (SELECT (publications.noun, publications.run_id) FROM publications)
            AND (parts.fingerprint IS NULL OR parts.fingerprint NOT IN (SELECT superseded.fingerprint FROM superseded))
        ) AS new_rows,
        sum(parts.weight) FILTER (
            WHERE (parts.noun, parts.run_id) IN (SELECT (recent.noun, recent.run_id) FROM recent)
        ) AS past_rows
    FROM parts
    GROUP BY parts.noun, parts.mix, parts.part
),

shares AS (
    SELECT
        sides.noun,
        sides.mix,
        coalesce(sides.new_rows, 0) / sum(sides.new_rows) OVER (PARTITION BY sides.noun, sides.mix) AS new_share,
        coalesce(sides.past_rows, 0) / sum(sides.past_rows) OVER (PARTITION BY sides.noun, sides.mix) AS past_share,
        sum(sides.new_rows) OVER (PARTITION BY sides.noun, sides.mix) AS new_rows,
        sum(sides.past_rows) OVER (PARTITION BY sides.noun, sides.mix) AS past_rows
    FROM sides
)

SELECT
    shares.noun,
    shares.mix,
    sum(abs(shares.new_share - shares.past_share)) / 2 AS moved
FROM shares
WHERE shares.new_rows >= 100 AND shares.past_rows >= 100
GROUP BY shares.noun, shares.mix;
