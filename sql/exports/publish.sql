-- Publish what passed its audit: from now on `valid_exports` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'exports' AS noun,
    exports.run_id
FROM exports
ON CONFLICT DO NOTHING;
