-- Publish what passed its audit: from now on `valid_selections` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'selections' AS noun,
    selections.run_id
FROM selections
ON CONFLICT DO NOTHING;
