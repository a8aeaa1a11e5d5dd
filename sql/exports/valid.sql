-- Exports of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/exports.py
-- grain:  one row per line of an exported file
-- params: none
CREATE OR REPLACE VIEW valid_exports AS
SELECT exports.*
FROM exports
WHERE
    exports.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'exports'
            AND publications.fingerprint = exports.fingerprint
            AND publications.run_id = exports.run_id
    );
