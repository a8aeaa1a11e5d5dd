-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per human instruction x method
-- params: none
CREATE OR REPLACE VIEW unaudited_seeds AS
SELECT seeds.*
FROM seeds
WHERE
    seeds.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'seeds'
            AND publications.fingerprint = seeds.fingerprint
            AND publications.run_id = seeds.run_id
    );
