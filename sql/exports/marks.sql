-- Marks in force by judge and criterion: their mean over what was selected beside random controls, and what holds for all of them.
-- owner:  tasks/exports.py
-- grain:  one row per judge x criterion
-- params: none
WITH subjects AS (
    SELECT
        selections.instruction_id AS subject_id,
        selections.policy
    FROM valid_selections AS selections
    UNION ALL
    SELECT
        responses.response_id AS subject_id,
        selections.policy
    FROM valid_selections AS selections
    INNER JOIN valid_responses AS responses
        ON selections.instruction_id = responses.instruction_id AND responses.use = 'answer'
),

means AS (
    SELECT
        scores.judge,
        scores.criterion,
        avg(scores.value) FILTER (WHERE subjects.policy = 'best_per_topic') AS selected,
        avg(scores.value) FILTER (WHERE starts_with(subjects.policy, 'random_')) AS random
    FROM valid_scores AS scores
    INNER JOIN subjects ON scores.subject_id = subjects.subject_id
    GROUP BY scores.judge, scores.criterion
),

said AS (  -- what a method over sets says of the whole set, in the reason of each row
    SELECT DISTINCT
        scores.judge,
        scores.criterion,
        unnest(
            regexp_extract_all(
                scores.reason,
                'ECE \d+\.\d+ of \d+ answers|[a-z0-9_-]+ [+-]\d+\.\d+ \(infit \d+\.\d+\)|[a-z0-9_-]+: error \d+\.\d+'
            )
        ) AS part
    FROM valid_scores AS scores
    WHERE scores.judge IN ('calibration', 'faceted_rasch', 'more')
),

notes AS (
    SELECT
        said.judge,
        said.criterion,
        string_agg(said.part, ', ' ORDER BY said.part) AS note
    FROM said
    GROUP BY said.judge, said.criterion
)

SELECT
    scores.judge,
    scores.criterion,
    count(scores.value) AS marked,
    count(*) - count(scores.value) AS without_mark,
    round(any_value(means.selected), 3) AS selected,
    round(any_value(means.random), 3) AS random,
    coalesce(any_value(notes.note), '') AS note
FROM valid_scores AS scores
LEFT JOIN means ON scores.judge = means.judge AND scores.criterion = means.criterion
LEFT JOIN notes ON scores.judge = notes.judge AND scores.criterion = notes.criterion
WHERE scores.subject_id NOT IN (SELECT probes.response_id FROM valid_responses AS probes WHERE probes.use = 'probe')
GROUP BY scores.judge, scores.criterion
ORDER BY scores.judge, scores.criterion;
