-- What judges, checks and policies said of instructions and answers, and a newer text of a document, in words.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per subject x judge x criterion, subject x check, instruction x policy, or older document
-- params: none
CREATE OR REPLACE VIEW lineage_judged AS
SELECT
    scores.subject_id AS id,
    concat(scores.judge, '.', scores.criterion) AS what,
    coalesce(cast(scores.value AS VARCHAR), 'the judge failed') AS found,
    concat(what, ' ', found) AS said
FROM scores
UNION ALL
SELECT
    verdicts.subject_id AS id,
    verdicts.check_name AS what,
    CASE verdicts.passed WHEN TRUE THEN 'passed' WHEN FALSE THEN concat('failed: ', verdicts.detail) ELSE 'could not say' END AS found,
    concat(what, ' ', found) AS said
FROM verdicts
UNION ALL
SELECT
    selections.instruction_id AS id,
    concat('selected by ', selections.policy) AS what,
    concat('rank ', selections.rank) AS found,
    concat(what, ' ', found) AS said
FROM selections
UNION ALL
SELECT DISTINCT
    rejections.input_id AS id,
    'superseded' AS what,
    rejections.detail AS found,
    concat(what, ' ', found) AS said
FROM rejections
WHERE rejections.stage = 'documents' AND rejections.reason = 'superseded';
