-- Publish what passed its audit: from now on `valid_seeds` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'seeds' AS noun,
    seeds.run_id
FROM seeds
ON CONFLICT DO NOTHING;
