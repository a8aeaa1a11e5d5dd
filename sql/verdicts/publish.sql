-- Publish what passed its audit: from now on `valid_verdicts` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'verdicts' AS noun,
    verdicts.run_id
FROM verdicts
ON CONFLICT DO NOTHING;
