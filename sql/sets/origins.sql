-- Where instructions in force come from: who made each, for which ability and scene.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per instruction
-- params: none
SELECT
    instructions.instruction_id AS subject_id,
    instructions.recipe,
    instructions.ability,
    instructions.scene
FROM valid_instructions AS instructions
ORDER BY instructions.instruction_id;
