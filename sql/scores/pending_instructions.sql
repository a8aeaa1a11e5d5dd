-- Instructions that this judge has not judged.
-- owner:  tasks/scores.py
-- grain:  one row per instruction
-- params: $fingerprint
SELECT
    instructions.instruction_id AS input_id,
    instructions.text
FROM valid_instructions AS instructions
WHERE
    instructions.instruction_id NOT IN (
        SELECT settled.input_id
        FROM settled_scores AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY instructions.instruction_id;
