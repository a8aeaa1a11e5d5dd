-- What the mixes of `passages` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per passage
-- params: none
SELECT
    'passages' AS noun,
    'lengths' AS mix,
    passages.run_id,
    passages.fingerprint,
    cast(floor(log2(greatest(passages.tokens, 1))) AS VARCHAR) AS part,
    1 AS weight
FROM passages;
