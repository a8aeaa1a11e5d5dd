-- Publish what passed its audit: from now on `valid_scores` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'scores' AS noun,
    scores.run_id
FROM scores
ON CONFLICT DO NOTHING;
