-- Note what passed its audit, so that the next one looks at what came since.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'completions' AS noun,
    '' AS fingerprint,
    completions.run_id
FROM unaudited_completions AS completions
ON CONFLICT DO NOTHING;
