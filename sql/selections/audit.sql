-- Counts over `selections`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/selections.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT selections.*
    FROM unaudited_selections AS selections
),

breadth AS (
    SELECT count(DISTINCT written.topic) AS topics
    FROM written
    WHERE NOT starts_with(written.policy, 'random')
    GROUP BY written.policy
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'selections' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'selections' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'selections' AND drifts.mix = 'reasons') AS reason_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.instruction_id NOT IN (SELECT instructions.instruction_id FROM instructions)
    ) AS orphans,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'selections' AND drifts.mix = 'topics') AS topic_drift,
    (SELECT coalesce(min(breadth.topics), 0) FROM breadth) AS topics,
    (
        SELECT
            greatest(
                0,
                coalesce(max(cast(json_extract_string(methods.settings, 'min_topics') AS BIGINT)), 0)
                - coalesce((SELECT min(breadth.topics) FROM breadth), 0)
            )
        FROM methods
        WHERE methods.stage = 'selections' AND methods.active
    ) AS topics_missing,
    (
        SELECT count(*)
        FROM (
            SELECT written.policy
            FROM written
            GROUP BY written.policy, written.fingerprint
            HAVING min(written.rank) <> 0 OR max(written.rank) <> count(*) - 1
        ) AS torn
    ) AS torn_ranks,
    (
        SELECT count(DISTINCT written.policy)
        FROM written
        WHERE starts_with(written.policy, 'random')
    ) AS controls;
