-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW unaudited_instructions AS
SELECT instructions.*
FROM instructions
WHERE
    instructions.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'instructions'
            AND publications.fingerprint = instructions.fingerprint
            AND publications.run_id = instructions.run_id
    );
