-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_preferences` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'preferences' AS noun,
    preferences.run_id
FROM preferences
WHERE preferences.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND NOT methods.active)
ON CONFLICT DO NOTHING;
