-- What checks said, in words: a part of `lineage_judged`.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per subject x check
-- params: none
SELECT
    verdicts.subject_id AS id,
    verdicts.check_name AS what,
    CASE verdicts.passed WHEN TRUE THEN 'passed' WHEN FALSE THEN concat('failed: ', verdicts.detail) ELSE 'could not say' END AS found
FROM verdicts;
