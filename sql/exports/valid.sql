-- Exports of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/exports.py
-- grain:  one row per line of an exported file
-- params: none
CREATE OR REPLACE VIEW valid_exports AS
SELECT exports.*
FROM exports
WHERE
    exports.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND methods.active)
    AND exports.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'exports');
