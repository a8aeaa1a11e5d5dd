-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per seed x document x method
-- params: none
CREATE OR REPLACE VIEW unaudited_groundings AS
SELECT groundings.*
FROM groundings
WHERE
    groundings.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'groundings' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'groundings'
            AND publications.fingerprint = groundings.fingerprint
            AND publications.run_id = groundings.run_id
    );
