-- Answers that items of the pool are shown with, where they came with none of their own.
-- owner:  tasks/spine/pool.py
-- grain:  one row per seed or instruction
-- params: $fingerprint, $item_ids
SELECT
    responses.instruction_id AS item_id,
    min(responses.text) AS text
FROM responses
WHERE
    responses.fingerprint = $fingerprint
    AND responses.instruction_id IN (SELECT unnest($item_ids))
GROUP BY responses.instruction_id
ORDER BY responses.instruction_id;
