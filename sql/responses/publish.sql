-- Publish what passed its audit: from now on `valid_responses` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'responses' AS noun,
    responses.run_id
FROM responses
ON CONFLICT DO NOTHING;
