-- What the mixes of `selections` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per tenth of the topics of a run and policy
-- params: none
SELECT
    'selections' AS noun,
    'topics' AS mix,
    topics.run_id,
    cast(NULL AS VARCHAR) AS fingerprint,
    topics.tenth AS part,
    topics.weight
FROM (
    SELECT
        selections.run_id,
        cast(
            ntile(10) OVER (PARTITION BY selections.run_id, selections.policy ORDER BY count(*) DESC, selections.topic ASC)
            AS VARCHAR
        ) AS tenth,
        count(*) AS weight
    FROM selections
    WHERE NOT starts_with(selections.policy, 'random')
    GROUP BY selections.run_id, selections.policy, selections.topic
) AS topics;
