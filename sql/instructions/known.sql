-- What a new instruction must not repeat: seeds, and standing instructions of its writer and of the writers before it.
-- owner:  tasks/instructions.py
-- grain:  one row per seed or instruction
-- params: $fresh_ids, $earlier
SELECT
    seeds.seed_id AS item_id,
    seeds.text,
    '' AS history
FROM valid_seeds AS seeds
UNION ALL
SELECT
    instructions.instruction_id AS item_id,
    instructions.text,
    instructions.history
FROM standing_instructions AS instructions
WHERE
    instructions.instruction_id NOT IN (SELECT unnest($fresh_ids))
    AND instructions.fingerprint IN (SELECT unnest($earlier))
ORDER BY item_id;
