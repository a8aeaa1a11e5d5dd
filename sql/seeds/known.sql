-- Seeds of one version of reading that were published before: what new ones must not repeat.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: $fingerprint
SELECT
    seeds.seed_id,
    seeds.text
FROM seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND seeds.seed_id NOT IN (SELECT unaudited.seed_id FROM unaudited_seeds AS unaudited WHERE unaudited.fingerprint = $fingerprint)
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'seeds'
            AND rejections.input_id = seeds.seed_id
            AND rejections.fingerprint = seeds.fingerprint
    )
ORDER BY seeds.seed_id;
