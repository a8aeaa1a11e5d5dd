-- Seeds of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction x method
-- params: none
CREATE OR REPLACE VIEW valid_seeds AS
SELECT seeds.*
FROM seeds
WHERE
    seeds.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND methods.active)
    AND seeds.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'seeds');
