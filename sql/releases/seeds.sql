-- The seeds with these ids: where each was read; as the methods in force read it.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per seed
-- params: $ids
SELECT
    seeds.seed_id,
    seeds.line,
    seeds.language,
    sources.license,
    seeds.source_id,
    sources.name AS source,
    sources.sha256
FROM seeds
INNER JOIN sources ON seeds.source_id = sources.source_id
LEFT JOIN methods ON methods.stage = 'seeds' AND seeds.fingerprint = methods.fingerprint AND methods.active
WHERE seeds.seed_id IN (SELECT unnest($ids))
QUALIFY
    row_number() OVER (
        PARTITION BY seeds.seed_id
        ORDER BY methods.fingerprint IS NULL ASC, seeds.source_id ASC, seeds.fingerprint ASC
    ) = 1
ORDER BY seeds.seed_id;
