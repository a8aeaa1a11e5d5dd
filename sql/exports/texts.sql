-- The texts of some instructions.
-- owner:  tasks/spine/vectors/dataset_measures.py
-- grain:  one row per instruction
-- params: $ids
SELECT
    instructions.instruction_id,
    instructions.text
FROM valid_instructions AS instructions
WHERE instructions.instruction_id IN (SELECT unnest($ids))
ORDER BY instructions.instruction_id;
