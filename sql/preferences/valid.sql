-- Preferences of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/preferences.py
-- grain:  one row per instruction x pair
-- params: none
CREATE OR REPLACE VIEW valid_preferences AS
SELECT preferences.*
FROM preferences
WHERE
    preferences.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND methods.active)
    AND preferences.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'preferences');
