-- What the mixes of `seeds` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per seed x mix
-- params: none
SELECT
    'seeds' AS noun,
    'languages' AS mix,
    seeds.run_id,
    seeds.fingerprint,
    seeds.language AS part,
    1 AS weight
FROM seeds
UNION ALL
SELECT
    'seeds' AS noun,
    'lengths' AS mix,
    seeds.run_id,
    seeds.fingerprint,
    cast(floor(log2(greatest(seeds.tokens, 1))) AS VARCHAR) AS part,
    1 AS weight
FROM seeds;
