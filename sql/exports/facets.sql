-- Facets of what was selected: kinds of task, aims, turns, and whether a page is behind a row.
-- owner:  tasks/exports.py
-- grain:  one row per facet x value
-- params: $judge
WITH chosen AS (
    SELECT
        instructions.instruction_id,
        instructions.history,
        instructions.document_id,
        totals.value AS score
    FROM valid_selections AS selections
    INNER JOIN valid_instructions AS instructions ON selections.instruction_id = instructions.instruction_id
    LEFT JOIN valid_scores AS totals
        ON
            selections.instruction_id = totals.subject_id
            AND totals.judge = $judge
            AND totals.criterion = 'total'
    WHERE selections.policy = 'best_per_topic'
),

kinds AS (
    SELECT
        responses.instruction_id,
        any_value(split_part(scores.reason, ':', 1)) AS kind
    FROM valid_scores AS scores
    INNER JOIN valid_responses AS responses ON scores.subject_id = responses.response_id
    WHERE scores.judge = 'href' AND scores.criterion = 'total' AND scores.value IS NOT NULL
    GROUP BY responses.instruction_id
),

aims AS (
    SELECT
        responses.instruction_id,
        notes.data
    FROM valid_notes AS notes
    INNER JOIN valid_responses AS responses ON notes.input_id = responses.response_id
    WHERE notes.kind = 'aims' AND responses.use = 'answer'
),

told AS (
    SELECT
        1 AS place,
        'kind of task' AS facet,
        kinds.kind AS value,
        chosen.instruction_id,
        chosen.score
    FROM chosen
    INNER JOIN kinds ON chosen.instruction_id = kinds.instruction_id
    UNION
    SELECT
        2 AS place,
        'aim that is trained' AS facet,
        unnest(from_json(json_extract(aims.data, '$.trains'), '["VARCHAR"]')) AS value,
        chosen.instruction_id,
        chosen.score
    FROM chosen
    INNER JOIN aims ON chosen.instruction_id = aims.instruction_id
    UNION
    SELECT
        3 AS place,
        'aim that is worked against' AS facet,
        unnest(from_json(json_extract(aims.data, '$.against'), '["VARCHAR"]')) AS value,
        chosen.instruction_id,
        chosen.score
    FROM chosen
    INNER JOIN aims ON chosen.instruction_id = aims.instruction_id
    UNION
    SELECT
        4 AS place,
        'turns' AS facet,
        if(contains(chosen.history, '"assistant"'), 'several', 'one') AS value,
        chosen.instruction_id,
        chosen.score
    FROM chosen
    UNION
    SELECT
        5 AS place,
        'page' AS facet,
        if(chosen.document_id IS NULL, 'none', 'behind it') AS value,
        chosen.instruction_id,
        chosen.score
    FROM chosen
)

SELECT
    told.facet,
    told.value,
    count(*) AS rows,
    round(avg(told.score), 3) AS score
FROM told
GROUP BY told.place, told.facet, told.value
ORDER BY told.place, told.value;
