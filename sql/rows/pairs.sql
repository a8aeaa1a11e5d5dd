-- Some pairs of answers as people read them, with what judges said of each. Row values: only where the profile allows.
-- owner:  tasks/site/pairs.py
-- grain:  one row per pair
-- params: $start, $stop (numbers of pairs)
WITH shown AS (
    SELECT pairs.*
    FROM browsed.pairs AS pairs
    WHERE pairs.number >= $start AND pairs.number < $stop
),

sides AS (
    SELECT unnest([shown.chosen_id, shown.rejected_id]) AS id
    FROM shown
),

questions AS (
    SELECT
        instructions.instruction_id,
        any_value(instructions.recipe) AS recipe,
        any_value(instructions.text) AS text
    FROM instructions
    WHERE instructions.instruction_id IN (SELECT shown.instruction_id FROM shown)
    GROUP BY instructions.instruction_id
),

answers AS (
    SELECT
        responses.response_id,
        any_value(responses.text) AS text,
        any_value(responses.model) AS model
    FROM responses
    WHERE responses.response_id IN (SELECT sides.id FROM sides)
    GROUP BY responses.response_id
),

said AS (
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
    WHERE valid_scores.subject_id IN (SELECT sides.id FROM sides)
    GROUP BY valid_scores.subject_id
)

SELECT
    shown.instruction_id,
    shown.kind,
    shown.margin,
    coalesce(questions.recipe, '') AS recipe,
    coalesce(questions.text, '') AS instruction,
    shown.chosen_id,
    chosen.text AS chosen,
    chosen.model AS chosen_model,
    coalesce(of_chosen.marks, []) AS chosen_said,
    shown.rejected_id,
    rejected.text AS rejected,
    rejected.model AS rejected_model,
    coalesce(of_rejected.marks, []) AS rejected_said
FROM shown
LEFT JOIN questions ON shown.instruction_id = questions.instruction_id
LEFT JOIN answers AS chosen ON shown.chosen_id = chosen.response_id
LEFT JOIN answers AS rejected ON shown.rejected_id = rejected.response_id
LEFT JOIN said AS of_chosen ON shown.chosen_id = of_chosen.subject_id
LEFT JOIN said AS of_rejected ON shown.rejected_id = of_rejected.subject_id
ORDER BY shown.number;
