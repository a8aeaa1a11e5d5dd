-- What some instructions were made from.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: $ids
SELECT
    instructions.instruction_id,
    instructions.text,
    instructions.history,
    instructions.fingerprint,
    list_append(instructions.parent_ids, instructions.input_id) AS parents
FROM instructions
WHERE instructions.instruction_id IN (SELECT unnest($ids))
ORDER BY instructions.instruction_id;
