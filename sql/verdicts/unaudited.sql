-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per subject x check
-- params: none
CREATE OR REPLACE VIEW unaudited_verdicts AS
SELECT verdicts.*
FROM verdicts
WHERE
    verdicts.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'verdicts' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'verdicts'
            AND publications.fingerprint = verdicts.fingerprint
            AND publications.run_id = verdicts.run_id
    );
