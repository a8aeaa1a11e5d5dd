-- Subjects that a judge is done with: marked, or failed (NULL).
-- owner:  tasks/scores.py
-- grain:  one row per subject x judge
-- params: none
CREATE OR REPLACE VIEW settled_scores AS
SELECT DISTINCT
    scores.subject_id AS input_id,
    scores.fingerprint
FROM scores;
