-- Instructions among these whose own page stays: they were only shown what was forgotten.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per instruction
-- params: $ids
SELECT DISTINCT
    instructions.instruction_id AS id,
    instructions.input_id,
    instructions.fingerprint,
    instructions.draw
FROM instructions
WHERE
    instructions.instruction_id IN (SELECT unnest($ids))
    AND instructions.input_id NOT IN (SELECT unnest($ids))
ORDER BY id, instructions.fingerprint;
