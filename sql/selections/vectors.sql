-- The vectors of the instructions in force.
-- owner:  tasks/selections.py
-- grain:  one row per instruction
-- params: none
SELECT
    embeddings.text_id AS instruction_id,
    embeddings.vector
FROM valid_embeddings AS embeddings
WHERE embeddings.text_id IN (SELECT instructions.instruction_id FROM valid_instructions AS instructions)
ORDER BY embeddings.text_id;
