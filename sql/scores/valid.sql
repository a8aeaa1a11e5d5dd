-- Scores of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/scores.py
-- grain:  one row per subject x judge x criterion
-- params: none
CREATE OR REPLACE VIEW valid_scores AS
SELECT scores.*
FROM scores
WHERE
    scores.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND methods.active)
    AND scores.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'scores');
