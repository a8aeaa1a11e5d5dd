-- The instructions with the lowest ids, to fit an embedder on.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per instruction
-- params: $at_most
SELECT DISTINCT
    instructions.instruction_id AS text_id,
    instructions.text
FROM valid_instructions AS instructions
ORDER BY instructions.instruction_id
LIMIT $at_most;
