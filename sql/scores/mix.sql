-- What the mixes of `scores` are counted over, without the marks of seeds, which are of that stage: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per mark
-- params: none
SELECT
    'scores' AS noun,
    'scores' AS mix,
    scores.run_id,
    scores.fingerprint,
    concat(scores.judge, ' ', scores.criterion, ' ', coalesce(cast(round(scores.value) AS VARCHAR), 'none')) AS part,
    1 AS weight
FROM scores
WHERE scores.subject_id NOT IN (SELECT seeds.seed_id FROM seeds);
