-- Counts over `verdicts`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/verdicts.py
-- grain:  one row
-- params: $run_id, $fingerprint (of the one method that is looked at, or NULL)
WITH written AS (
    SELECT verdicts.*
    FROM unaudited_verdicts AS verdicts
    WHERE verdicts.fingerprint = coalesce($fingerprint, verdicts.fingerprint)
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
                    FROM verdicts AS mine  -- published or not: judges make theirs after the audit of these
                    WHERE
                        mine.run_id = receipts.run_id
                        AND mine.fingerprint NOT IN (  -- those of programs are accounted for by their own stage
                            SELECT methods.fingerprint FROM methods WHERE methods.stage IN ('instructions', 'scores')
                        )
                ) AS settled
            FROM receipts
            WHERE
                receipts.stage = 'verdicts'
                AND receipts.run_id = $run_id
                AND $fingerprint IS NULL  -- receipts are of all methods
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'verdicts' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'verdicts' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'verdicts' AND drifts.mix = 'verdicts') AS verdict_drift,
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
        WHERE written.completion_id IS NOT NULL AND written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions;
