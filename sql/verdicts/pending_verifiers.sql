-- Answered instructions for which nobody has written verifiers.
-- owner:  tasks/verdicts.py
-- grain:  one row per instruction
-- params: $fingerprint
SELECT
    instructions.instruction_id AS input_id,
    instructions.text
FROM valid_instructions AS instructions
WHERE
    instructions.instruction_id IN (SELECT responses.instruction_id FROM valid_responses AS responses)
    AND instructions.instruction_id NOT IN (
        SELECT settled.input_id
        FROM settled_verdicts AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY instructions.instruction_id;
