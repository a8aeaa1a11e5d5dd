-- What the mixes of `instructions` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per instruction x mix
-- params: none
SELECT
    'instructions' AS noun,
    'lengths' AS mix,
    instructions.run_id,
    instructions.fingerprint,
    cast(floor(log2(greatest(length(instructions.text), 1))) AS VARCHAR) AS part,
    1 AS weight
FROM instructions
UNION ALL
SELECT
    'instructions' AS noun,
    'recipes' AS mix,
    instructions.run_id,
    instructions.fingerprint,
    instructions.recipe AS part,
    1 AS weight
FROM instructions;
