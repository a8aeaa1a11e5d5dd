-- What KNN-Instruct deduces from: the first seeds, and what earlier rounds wrote and nothing refused.
-- owner:  tasks/spine/writing/knn_pool.py
-- grain:  one row per seed or instruction
-- params: $most, $earlier
WITH chosen AS (
    SELECT
        seeds.seed_id AS item_id,
        seeds.text,
        seeds.response,
        seeds.language
    FROM valid_seeds AS seeds
    ORDER BY seeds.seed_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT
    chosen.item_id,
    chosen.text,
    chosen.response,
    chosen.language,
    TRUE AS is_human
FROM chosen
UNION ALL
SELECT
    instructions.instruction_id AS item_id,
    instructions.text,
    cast(NULL AS VARCHAR) AS response,
    cast(NULL AS VARCHAR) AS language,
    FALSE AS is_human
FROM standing_instructions AS instructions
WHERE instructions.fingerprint IN (SELECT unnest($earlier))
ORDER BY item_id;
