-- Which of these seeds this version of reading has written already.
-- owner:  tasks/seeds.py
-- grain:  one row per seed
-- params: $fingerprint, $seed_ids
SELECT seeds.seed_id
FROM seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND list_contains($seed_ids, seeds.seed_id)
ORDER BY seeds.seed_id;
