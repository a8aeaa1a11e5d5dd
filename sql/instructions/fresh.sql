-- Instructions of one version of a recipe that stand, and that no audit has passed yet.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: $fingerprint
SELECT
    instructions.instruction_id,
    instructions.text,
    instructions.history
FROM standing_instructions AS instructions
WHERE
    instructions.fingerprint = $fingerprint
    AND instructions.instruction_id IN (
        SELECT unaudited.instruction_id FROM unaudited_instructions AS unaudited WHERE unaudited.fingerprint = $fingerprint
    )
ORDER BY instructions.instruction_id;
