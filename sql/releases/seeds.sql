-- The seeds with these ids: where each was read.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per seed
-- params: $ids
SELECT
    seeds.seed_id,
    min(seeds.line) AS line,
    min(seeds.language) AS language,
    min(sources.license) AS license,
    min(seeds.source_id) AS source_id,
    min(sources.name) AS source,
    min(sources.sha256) AS sha256
FROM seeds
INNER JOIN sources ON seeds.source_id = sources.source_id
WHERE seeds.seed_id IN (SELECT unnest($ids))
GROUP BY seeds.seed_id
ORDER BY seeds.seed_id;
