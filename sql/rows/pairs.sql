-- Pairs of answers in force as people read them, with what judges said of each. Row values: only where the profile allows.
-- owner:  tasks/site/pairs.py
-- grain:  one row per pair
-- params: none
WITH said AS (
    SELECT
        valid_scores.subject_id,
        list(
            [
                concat(valid_scores.judge, '.', valid_scores.criterion),
                coalesce(cast(valid_scores.value AS VARCHAR), 'failed'),
                left(valid_scores.reason, 2000)
            ]
            ORDER BY valid_scores.judge, valid_scores.criterion
        ) AS marks
    FROM valid_scores
    WHERE
        valid_scores.subject_id IN (SELECT valid_preferences.chosen_id FROM valid_preferences)
        OR valid_scores.subject_id IN (SELECT valid_preferences.rejected_id FROM valid_preferences)
    GROUP BY valid_scores.subject_id
)

SELECT
    pairs.instruction_id,
    pairs.kind,
    pairs.margin,
    instructions.recipe,
    instructions.text AS instruction,
    pairs.chosen_id,
    chosen.text AS chosen,
    chosen.model AS chosen_model,
    coalesce(of_chosen.marks, []) AS chosen_said,
    pairs.rejected_id,
    rejected.text AS rejected,
    rejected.model AS rejected_model,
    coalesce(of_rejected.marks, []) AS rejected_said
FROM valid_preferences AS pairs
INNER JOIN valid_instructions AS instructions ON pairs.instruction_id = instructions.instruction_id
LEFT JOIN valid_responses AS chosen ON pairs.chosen_id = chosen.response_id
LEFT JOIN valid_responses AS rejected ON pairs.rejected_id = rejected.response_id
LEFT JOIN said AS of_chosen ON pairs.chosen_id = of_chosen.subject_id
LEFT JOIN said AS of_rejected ON pairs.rejected_id = of_rejected.subject_id
ORDER BY pairs.kind, pairs.instruction_id, pairs.chosen_id, pairs.rejected_id;
