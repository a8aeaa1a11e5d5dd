-- Seeds that nothing has refused yet, published or not, under the methods in force.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: none
SELECT seeds.*
FROM seeds
WHERE
    seeds.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'seeds'
            AND rejections.input_id = seeds.seed_id
            AND rejections.fingerprint = seeds.fingerprint
    )
ORDER BY seeds.seed_id;
