-- Counts over `scores`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/scores.py
-- grain:  one row
-- params: $run_id, $fingerprint (of the one method that is looked at, or NULL)
WITH written AS (
    SELECT scores.*
    FROM unaudited_scores AS scores
    WHERE scores.fingerprint = coalesce($fingerprint, scores.fingerprint)
),

wide AS (
    -- Judges whose total may be any number.
    SELECT unnest(from_json(json_extract(methods.settings, '$.wide'), '["VARCHAR"]')) AS judge
    FROM methods
    WHERE methods.stage = 'scores' AND methods.active
),

scales AS (
    -- The highest total of each other judge that says so; a store of before has none of these.
    SELECT DISTINCT
        told.key AS judge,
        told.value::DOUBLE AS best
    FROM methods
    CROSS JOIN json_each(methods.settings, '$.best') AS told
    WHERE methods.stage = 'scores' AND methods.active
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE
            counted.stage = 'scores'
            AND counted.run_id = $run_id
            AND $fingerprint IS NULL  -- receipts are of all methods
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
        WHERE written.completion_id IS NOT NULL AND written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions,
    (
        SELECT count(*)
        FROM written
        LEFT JOIN scales ON written.judge = scales.judge
        WHERE
            written.judge NOT IN (SELECT wide.judge FROM wide)
            AND written.value NOT BETWEEN 0 AND if(
                written.criterion = 'total', coalesce(scales.best, 10), greatest(scales.best, 10)
            )
    ) AS off_scale,
    (
        SELECT count(*)
        FROM (
            SELECT written.criterion
            FROM written
            WHERE NOT starts_with(written.judge, 'human:')
            GROUP BY written.judge, written.criterion
            HAVING count(written.value) >= 100 AND count(DISTINCT written.value) = 1
        ) AS lone
    ) AS lone_values;
