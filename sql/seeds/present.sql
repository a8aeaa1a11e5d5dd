-- Which of these seeds this version of reading has written already, and from which line of which source.
-- owner:  tasks/seeds.py
-- grain:  one row per seed
-- params: $fingerprint, $seed_ids
SELECT
    seeds.seed_id,
    concat(seeds.source_id, ':', seeds.line) AS line
FROM seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND seeds.seed_id IN (SELECT unnest($seed_ids))
ORDER BY seeds.seed_id;
