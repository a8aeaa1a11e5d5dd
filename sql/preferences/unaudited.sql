-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/validation.py
-- grain:  one row per instruction x pair
-- params: none
CREATE OR REPLACE VIEW unaudited_preferences AS
SELECT preferences.*
FROM preferences
WHERE
    preferences.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND NOT methods.active)
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'preferences'
            AND publications.fingerprint = preferences.fingerprint
            AND publications.run_id = preferences.run_id
    );
