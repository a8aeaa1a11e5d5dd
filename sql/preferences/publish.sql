-- Publish what passed its audit: from now on `valid_preferences` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'preferences' AS noun,
    preferences.run_id
FROM preferences
ON CONFLICT DO NOTHING;
