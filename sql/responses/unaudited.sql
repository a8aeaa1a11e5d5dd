-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per instruction x model x draw
-- params: none
CREATE OR REPLACE VIEW unaudited_responses AS
SELECT responses.*
FROM responses
WHERE
    responses.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'responses' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'responses'
            AND publications.fingerprint = responses.fingerprint
            AND publications.run_id = responses.run_id
    );
