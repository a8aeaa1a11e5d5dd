-- Which of these seeds this version of reading has written already.
-- owner:  tasks/seeds.py
-- grain:  one row per seed
-- params: $fingerprint, $seed_ids
SELECT seeds.seed_id
FROM seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND seeds.seed_id IN (SELECT unnest($seed_ids))
ORDER BY seeds.seed_id;
