-- Selections of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/selections.py
-- grain:  one row per instruction x policy
-- params: none
CREATE OR REPLACE VIEW valid_selections AS
SELECT selections.*
FROM selections
WHERE
    selections.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'selections' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'selections'
            AND publications.fingerprint = selections.fingerprint
            AND publications.run_id = selections.run_id
    );
