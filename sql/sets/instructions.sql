-- Instructions in force, as methods over sets are given them.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per instruction
-- params: none
SELECT
    instructions.input_id AS subject_id,
    instructions.text,
    instructions.history,
    instructions.domain,
    instructions.reference
FROM inputs_instructions AS instructions
ORDER BY instructions.input_id;
