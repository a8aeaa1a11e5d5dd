-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per line of an exported file
-- params: none
CREATE OR REPLACE VIEW unaudited_exports AS
SELECT exports.*
FROM exports
WHERE
    exports.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'exports'
            AND publications.fingerprint = exports.fingerprint
            AND publications.run_id = exports.run_id
    );
