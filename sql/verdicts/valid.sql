-- Verdicts of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/verdicts.py
-- grain:  one row per subject x check
-- params: none
CREATE OR REPLACE VIEW valid_verdicts AS
SELECT verdicts.*
FROM verdicts
WHERE
    verdicts.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'verdicts' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'verdicts'
            AND publications.fingerprint = verdicts.fingerprint
            AND publications.run_id = verdicts.run_id
    );
