-- Seeds of the methods in force whose run passed its audit, and that nothing refused: what later stages read.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction x method
-- params: none
CREATE OR REPLACE VIEW valid_seeds AS
SELECT seeds.*
FROM standing_seeds AS seeds
WHERE
    seeds.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'seeds'
            AND publications.fingerprint = seeds.fingerprint
            AND publications.run_id = seeds.run_id
    );
