-- Publish what passed its audit: from now on `valid_passages` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'passages' AS noun,
    passages.run_id
FROM passages
ON CONFLICT DO NOTHING;
