-- Note what passed its audit, so that the next one looks at what came since.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'completions' AS noun,
    completions.run_id
FROM completions
ON CONFLICT DO NOTHING;
