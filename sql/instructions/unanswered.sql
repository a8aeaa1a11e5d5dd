-- Seeds and instructions among those named that have no answer yet to be shown with.
-- owner:  tasks/spine/pool.py
-- grain:  one row per seed or instruction
-- params: $fingerprint, $item_ids
SELECT
    items.item_id AS input_id,
    min(items.text) AS text
FROM (
    SELECT
        seeds.seed_id AS item_id,
        seeds.text
    FROM valid_seeds AS seeds
    WHERE seeds.response IS NULL
    UNION ALL
    SELECT
        instructions.instruction_id AS item_id,
        instructions.text
    FROM instructions
) AS items
WHERE
    items.item_id IN (SELECT unnest($item_ids))
    AND items.item_id NOT IN (
        SELECT responses.instruction_id
        FROM responses
        WHERE responses.fingerprint = $fingerprint
    )
    AND items.item_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'instructions' AND rejections.fingerprint = $fingerprint
    )
GROUP BY items.item_id
ORDER BY items.item_id;
