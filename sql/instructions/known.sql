-- What a new instruction must not repeat: seeds, and instructions in force that nothing refused, but for the new ones.
-- owner:  tasks/instructions.py
-- grain:  one row per seed or instruction
-- params: $fresh_ids
SELECT
    seeds.seed_id AS item_id,
    seeds.text
FROM valid_seeds AS seeds
UNION ALL
SELECT
    instructions.instruction_id AS item_id,
    instructions.text
FROM instructions
WHERE
    instructions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
    AND instructions.instruction_id NOT IN (SELECT unnest($fresh_ids))
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'instructions'
            AND rejections.input_id = instructions.instruction_id
            AND rejections.fingerprint = instructions.fingerprint
    )
ORDER BY item_id;
