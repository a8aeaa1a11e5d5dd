-- What each recipe wrote, how it was scored, and how much of it was selected.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per recipe
-- params: none
WITH chosen AS (
    SELECT DISTINCT valid_selections.instruction_id
    FROM valid_selections
    WHERE NOT starts_with(valid_selections.policy, 'random')
)

SELECT
    valid_instructions.recipe,
    count(DISTINCT valid_instructions.instruction_id) AS instructions,
    count(DISTINCT valid_instructions.document_id) AS documents,
    avg(length(valid_instructions.text)) AS mean_chars,
    count(DISTINCT chosen.instruction_id) AS selected
FROM valid_instructions
LEFT JOIN chosen ON valid_instructions.instruction_id = chosen.instruction_id
GROUP BY valid_instructions.recipe
ORDER BY valid_instructions.recipe;
