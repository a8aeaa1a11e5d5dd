-- Items of the pool that this round has neither deduced from nor refused.
-- owner:  tasks/instructions.py
-- grain:  one row per seed or instruction
-- params: $fingerprint, $item_ids
SELECT items.item_id AS input_id
FROM (SELECT unnest($item_ids) AS item_id) AS items
WHERE
    items.item_id NOT IN (
        SELECT settled.input_id
        FROM settled_instructions AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY items.item_id;
