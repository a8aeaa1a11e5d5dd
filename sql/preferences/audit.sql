-- Counts over `preferences`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/preferences.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT preferences.*
    FROM unaudited_preferences AS preferences
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'preferences' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'preferences' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'preferences' AND drifts.mix = 'reasons') AS reason_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            (written.chosen_id <> '' AND written.chosen_id NOT IN (SELECT responses.response_id FROM responses))
            OR (written.rejected_id <> '' AND written.rejected_id NOT IN (SELECT responses.response_id FROM responses))
            OR (
                written.instruction_id NOT IN (SELECT instructions.instruction_id FROM instructions)
                AND written.instruction_id NOT IN (SELECT seeds.seed_id FROM seeds)
            )
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.chosen_id = written.rejected_id
    ) AS self_pairs,
    (
        SELECT count(*)
        FROM written
        WHERE written.kind = 'reward' AND '' IN (written.chosen_id, written.rejected_id)
    ) AS half_rewards,
    (
        SELECT coalesce(count_if(length(chosen.text) > length(rejected.text)) / nullif(count(*), 0), 0.5)
        FROM written
        INNER JOIN responses AS chosen ON written.chosen_id = chosen.response_id
        INNER JOIN responses AS rejected ON written.rejected_id = rejected.response_id
    ) AS longer_chosen_share;
