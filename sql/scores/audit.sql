-- Counts over `scores`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/scores.py
-- grain:  one row
-- params: $run_id, $fingerprint (of the one method that is looked at, or NULL)
WITH written AS (
    SELECT scores.*
    FROM unaudited_scores AS scores
    WHERE scores.fingerprint = coalesce($fingerprint, scores.fingerprint)
),

of_stage AS (
    -- Marks of seeds are written, and accounted for, by the stage `seeds`; those of programs by `instructions`.
    SELECT written.*
    FROM written
    WHERE
        written.subject_id NOT IN (SELECT seeds.seed_id FROM seeds)
        AND written.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions')
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
                    WHERE mine.run_id = receipts.run_id
                ) AS settled
            FROM receipts
            WHERE
                receipts.stage = 'scores'
                AND receipts.run_id = $run_id
                AND $fingerprint IS NULL  -- receipts are of all methods
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'scores' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'scores' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'scores' AND drifts.mix = 'scores') AS score_drift,
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
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.judge <> 'reward_model'
            AND written.completion_id IS NOT NULL  -- else it was imported
            AND written.value NOT BETWEEN 0 AND 10
    ) AS off_scale,
    (
        SELECT count(*)
        FROM (
            SELECT written.criterion
            FROM written
            GROUP BY written.judge, written.criterion
            HAVING count(written.value) >= 100 AND count(DISTINCT written.value) = 1
        ) AS lone
    ) AS lone_values;
