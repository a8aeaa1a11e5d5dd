-- Counts over `responses`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/responses.py
-- grain:  one row
-- params: $run_id, $fingerprint (of the one method that is looked at, or NULL)
WITH written AS (
    SELECT responses.*
    FROM unaudited_responses AS responses
    WHERE responses.fingerprint = coalesce($fingerprint, responses.fingerprint)
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'responses' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'responses' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'responses' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'responses' AND drifts.mix = 'lengths') AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.instruction_id NOT IN (SELECT instructions.instruction_id FROM instructions)
            AND written.instruction_id NOT IN (SELECT seeds.seed_id FROM seeds)
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions;
