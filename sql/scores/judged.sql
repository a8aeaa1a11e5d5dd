-- What judges gave, in words: a part of `lineage_judged`.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per subject x judge x criterion
-- params: none
SELECT
    scores.subject_id AS id,
    concat(scores.judge, '.', scores.criterion) AS what,
    coalesce(cast(scores.value AS VARCHAR), 'the judge failed') AS found
FROM scores;
