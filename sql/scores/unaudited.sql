-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per subject x judge x criterion
-- params: none
CREATE OR REPLACE VIEW unaudited_scores AS
SELECT scores.*
FROM scores
WHERE
    scores.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'scores'
            AND publications.fingerprint = scores.fingerprint
            AND publications.run_id = scores.run_id
    );
