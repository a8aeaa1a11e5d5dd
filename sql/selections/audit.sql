-- Counts over `selections`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/selections.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT selections.*
    FROM unaudited_selections AS selections
),

sizes AS (
    SELECT
        written.policy,
        written.topic,
        count(*) AS rows_taken
    FROM written
    WHERE NOT starts_with(written.policy, 'random')
    GROUP BY written.policy, written.topic
),

breadth AS (
    SELECT
        count(*) AS topics,
        max(sizes.rows_taken) / sum(sizes.rows_taken) AS topic_share
    FROM sizes
    GROUP BY sizes.policy
),

distinct_texts AS (
    SELECT count(DISTINCT regexp_replace(lower(trim(instructions.text)), '\s+', ' ', 'g')) AS instructions
    FROM written
    INNER JOIN instructions ON written.instruction_id = instructions.instruction_id
    WHERE NOT starts_with(written.policy, 'random')
    GROUP BY written.policy
),

wanted AS (
    SELECT
        coalesce(max(cast(json_extract_string(methods.settings, 'min_topics') AS BIGINT)), 0) AS min_topics,
        coalesce(max(cast(json_extract_string(methods.settings, 'min_instructions') AS BIGINT)), 0) AS min_instructions,
        coalesce(min(cast(json_extract_string(methods.settings, 'max_topic_share') AS DOUBLE)), 1) AS max_topic_share
    FROM methods
    WHERE methods.stage = 'selections' AND methods.active
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
        SELECT greatest(0, wanted.min_topics - coalesce((SELECT min(breadth.topics) FROM breadth), 0))
        FROM wanted
    ) AS topics_missing,
    (
        SELECT
            greatest(
                0, wanted.min_instructions - coalesce((SELECT min(distinct_texts.instructions) FROM distinct_texts), 0)
            )
        FROM wanted
    ) AS instructions_missing,
    (
        SELECT count(*)
        FROM breadth
        CROSS JOIN wanted
        WHERE breadth.topic_share > wanted.max_topic_share
    ) AS topics_too_large,
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
