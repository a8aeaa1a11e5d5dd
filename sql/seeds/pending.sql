-- Seeds that were read and kept, and that the judge has neither let pass nor refused.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: $fingerprint, $read, $most
WITH wanted AS (
    SELECT seeds.*
    FROM seeds
    WHERE
        seeds.fingerprint = $read
        AND NOT EXISTS (
            SELECT 1
            FROM rejections
            WHERE
                rejections.stage = 'seeds'
                AND rejections.input_id = seeds.seed_id
                AND rejections.fingerprint = seeds.fingerprint
        )
    ORDER BY seeds.seed_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT
    wanted.seed_id AS input_id,
    wanted.*
FROM wanted
WHERE
    wanted.seed_id NOT IN (SELECT seeds.seed_id FROM seeds WHERE seeds.fingerprint = $fingerprint)
    AND wanted.seed_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'seeds' AND rejections.fingerprint = $fingerprint
    )
ORDER BY wanted.seed_id;
