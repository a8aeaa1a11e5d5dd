-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_preferences` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'preferences' AS noun,
    preferences.fingerprint,
    preferences.run_id
FROM unaudited_preferences AS preferences
ON CONFLICT DO NOTHING;
