-- Publish what passed its audit: from now on `valid_instructions` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'instructions' AS noun,
    instructions.run_id
FROM instructions
ON CONFLICT DO NOTHING;
