-- Subjects that a check (or a judge) is done with: it said yes, no, or that it could not say.
-- owner:  tasks/verdicts.py
-- grain:  one row per subject x method
-- params: none
CREATE OR REPLACE VIEW settled_verdicts AS
SELECT DISTINCT
    verdicts.subject_id AS input_id,
    verdicts.fingerprint
FROM verdicts;
