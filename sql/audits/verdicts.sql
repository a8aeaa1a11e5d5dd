-- Counts over `verdicts`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/verdicts.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT verdicts.*
    FROM verdicts
    WHERE verdicts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'verdicts')
),

marked AS (
    SELECT
        verdicts.*,
        verdicts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'verdicts') AS is_new
    FROM verdicts
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
                    FROM written AS mine
                    WHERE mine.run_id = receipts.run_id
                ) AS settled
            FROM receipts
            WHERE
                receipts.stage = 'verdicts'
                AND receipts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'verdicts')
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'verdicts') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY concat(every.check_name, ' ', coalesce(cast(every.passed AS VARCHAR), 'unknown'))
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS verdict_drift,
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
        SELECT coalesce(count_if(written.passed IS NULL) / nullif(count(*), 0), 0)
        FROM written
    ) AS unknown_share;
