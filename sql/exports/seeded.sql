-- How often judges, and the required checks together, find seeded errors: the good answer stands above the one with the error.
-- owner:  tasks/exports.py
-- grain:  one row per judge x kind of error
-- params: $required
WITH pairs AS (
    SELECT
        json_extract_string(notes.data, '$.good') AS good,
        json_extract_string(notes.data, '$.bad') AS bad,
        json_extract_string(notes.data, '$.error') AS error
    FROM valid_notes AS notes
    WHERE notes.kind = 'seeded'
),

refused AS (
    SELECT DISTINCT verdicts.subject_id
    FROM valid_verdicts AS verdicts
    WHERE
        list_contains($required, verdicts.check_name)
        AND NOT coalesce(verdicts.passed, starts_with(verdicts.detail, 'does not apply: '))
),

told AS (
    SELECT
        scores.judge,
        pairs.error,
        sign(scores.value - others.value) AS side
    FROM pairs
    INNER JOIN valid_scores AS scores ON pairs.good = scores.subject_id AND scores.criterion = 'total'
    INNER JOIN valid_scores AS others
        ON pairs.bad = others.subject_id AND scores.judge = others.judge AND others.criterion = 'total'
    UNION ALL
    SELECT
        'required checks' AS judge,
        pairs.error,
        if(pairs.bad IN (SELECT refused.subject_id FROM refused), 1, 0) AS side
    FROM pairs
    WHERE len($required) > 0 AND pairs.good NOT IN (SELECT refused.subject_id FROM refused)
)

SELECT
    told.judge,
    told.error,
    count(*) AS pairs,
    count_if(told.side = 1) AS found,
    count_if(told.side = 0) AS tied,
    count_if(told.side = -1) AS turned,
    count_if(told.side IS NULL) AS without_mark
FROM told
GROUP BY told.judge, told.error
ORDER BY told.judge, told.error;
