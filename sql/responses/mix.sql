-- What the mixes of `responses` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per response
-- params: none
SELECT
    'responses' AS noun,
    'lengths' AS mix,
    responses.run_id,
    responses.fingerprint,
    cast(floor(log2(greatest(length(responses.text), 1))) AS VARCHAR) AS part,
    1 AS weight
FROM responses;
