-- Subjects that a check (or a judge) is done with: it said yes, no, that it could not say, or reading its answer raised.
-- owner:  tasks/verdicts.py
-- grain:  one row per subject x method
-- params: none
CREATE OR REPLACE VIEW settled_verdicts AS
SELECT
    verdicts.subject_id AS input_id,
    verdicts.fingerprint
FROM verdicts
UNION
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'verdicts' AND rejections.reason = 'method_error';
