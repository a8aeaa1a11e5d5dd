-- What judges and checks said of these.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per subject x judge x criterion, or subject x check
-- params: $ids
SELECT
    scores.subject_id AS id,
    concat(scores.judge, '.', scores.criterion) AS what,
    coalesce(cast(scores.value AS VARCHAR), 'the judge failed') AS said
FROM scores
WHERE scores.subject_id IN (SELECT unnest($ids))
UNION ALL
SELECT
    verdicts.subject_id AS id,
    verdicts.check_name AS what,
    CASE verdicts.passed WHEN TRUE THEN 'passed' WHEN FALSE THEN concat('failed: ', verdicts.detail) ELSE 'could not say' END AS said
FROM verdicts
WHERE verdicts.subject_id IN (SELECT unnest($ids))
UNION ALL
SELECT
    selections.instruction_id AS id,
    concat('selected by ', selections.policy) AS what,
    concat('rank ', selections.rank) AS said
FROM selections
WHERE selections.instruction_id IN (SELECT unnest($ids))
ORDER BY id, what, said;
