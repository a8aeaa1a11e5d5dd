-- Counts over `scores`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/scores.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT scores.*
    FROM scores
    WHERE scores.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'scores')
),

marked AS (
    SELECT
        scores.*,
        scores.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'scores') AS is_new
    FROM scores
),

of_stage AS (
    -- Marks of seeds are written, and accounted for, by the stage `seeds`.
    SELECT marked.*
    FROM marked
    WHERE marked.subject_id NOT IN (SELECT seeds.seed_id FROM seeds)
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(inputs.rows_in - inputs.settled)) AS BIGINT), 0)
        FROM (
            SELECT
                sum(receipts.rows_in) AS rows_in,
                sum(receipts.rows_rejected) + (
                    SELECT count(DISTINCT concat(mine.subject_id, ' ', mine.fingerprint))
                    FROM of_stage AS mine
                    WHERE mine.is_new AND mine.run_id = receipts.run_id
                ) AS settled
            FROM receipts
            WHERE
                receipts.stage = 'scores'
                AND receipts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'scores')
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'scores') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM of_stage AS every
            GROUP BY concat(every.judge, ' ', every.criterion, ' ', coalesce(cast(round(every.value) AS VARCHAR), 'none'))
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS score_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.subject_id NOT IN (SELECT responses.response_id FROM responses)
            AND written.subject_id NOT IN (SELECT instructions.instruction_id FROM instructions)
            AND written.subject_id NOT IN (SELECT seeds.seed_id FROM seeds)
            AND written.subject_id NOT IN (SELECT groundings.grounding_id FROM groundings)
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.judge <> 'reward_model' AND written.value NOT BETWEEN 0 AND 10
    ) AS off_scale,
    (
        SELECT coalesce(count_if(written.value IS NULL) / nullif(count(*), 0), 0)
        FROM written
    ) AS failed_share,
    (
        SELECT count(*)
        FROM (
            SELECT written.criterion
            FROM written
            GROUP BY written.judge, written.criterion
            HAVING count(written.value) >= 100 AND count(DISTINCT written.value) = 1
        ) AS lone
    ) AS lone_values;
