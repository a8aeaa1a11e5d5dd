-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per document x span x method
-- params: none
CREATE OR REPLACE VIEW unaudited_passages AS
SELECT passages.*
FROM passages
WHERE
    passages.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'passages' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'passages'
            AND publications.fingerprint = passages.fingerprint
            AND publications.run_id = passages.run_id
    );
