-- Instructions in force, by recipe and by what became of them.
-- owner:  tasks/site/lists.py
-- grain:  one row per instruction
-- params: $shows_values
WITH lines AS (
    SELECT
        lines.instruction_id,
        min(lines.number) AS number
    FROM browsed.lines AS lines
    GROUP BY lines.instruction_id
),

chosen AS (
    SELECT DISTINCT valid_selections.instruction_id
    FROM valid_selections
    WHERE NOT starts_with(valid_selections.policy, 'random')
)

SELECT
    valid_instructions.recipe AS part,
    CASE
        WHEN lines.number IS NOT NULL THEN 'exported'
        WHEN chosen.instruction_id IS NOT NULL THEN 'selected, not exported'
        ELSE 'not selected'
    END AS kind,
    valid_instructions.run_id,
    valid_instructions.instruction_id AS id,
    if($shows_values, left(valid_instructions.text, 300), '') AS telling,
    '' AS said,
    'instruction' AS what,
    lines.number AS line
FROM valid_instructions
LEFT JOIN lines ON valid_instructions.instruction_id = lines.instruction_id
LEFT JOIN chosen ON valid_instructions.instruction_id = chosen.instruction_id
ORDER BY part, kind, valid_instructions.run_id, valid_instructions.instruction_id;
