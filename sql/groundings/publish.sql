-- Publish what passed its audit: from now on `valid_groundings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'groundings' AS noun,
    groundings.run_id
FROM groundings
ON CONFLICT DO NOTHING;
