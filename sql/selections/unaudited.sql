-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per instruction x policy
-- params: none
CREATE OR REPLACE VIEW unaudited_selections AS
SELECT selections.*
FROM selections
WHERE
    selections.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'selections' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'selections'
            AND publications.fingerprint = selections.fingerprint
            AND publications.run_id = selections.run_id
    );
