-- Scores of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/scores.py
-- grain:  one row per subject x judge x criterion
-- params: none
CREATE OR REPLACE VIEW valid_scores AS
SELECT scores.*
FROM scores
WHERE
    scores.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'scores'
            AND publications.fingerprint = scores.fingerprint
            AND publications.run_id = scores.run_id
    );
