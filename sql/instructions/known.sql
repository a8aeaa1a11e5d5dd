-- What a new instruction must not repeat: seeds, and standing instructions, published or of the writers before.
-- owner:  tasks/instructions.py
-- grain:  one row per seed or instruction
-- params: $fresh_ids, $earlier
SELECT
    seeds.seed_id AS item_id,
    seeds.text
FROM valid_seeds AS seeds
UNION ALL
SELECT
    instructions.instruction_id AS item_id,
    instructions.text
FROM standing_instructions AS instructions
WHERE
    instructions.instruction_id NOT IN (SELECT unnest($fresh_ids))
    AND (
        instructions.fingerprint IN (SELECT unnest($earlier))
        OR instructions.instruction_id NOT IN (SELECT unaudited.instruction_id FROM unaudited_instructions AS unaudited)
    )
ORDER BY item_id;
