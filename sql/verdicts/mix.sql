-- What the mixes of `verdicts` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per verdict
-- params: none
SELECT
    'verdicts' AS noun,
    'verdicts' AS mix,
    verdicts.run_id,
    verdicts.fingerprint,
    concat(verdicts.check_name, ' ', coalesce(cast(verdicts.passed AS VARCHAR), 'unknown')) AS part,
    1 AS weight
FROM verdicts;
