-- Preferences of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/preferences.py
-- grain:  one row per instruction x pair
-- params: none
CREATE OR REPLACE VIEW valid_preferences AS
SELECT preferences.*
FROM preferences
WHERE
    preferences.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'preferences'
            AND publications.fingerprint = preferences.fingerprint
            AND publications.run_id = preferences.run_id
    );
