-- Publish the runs whose rows passed their audit, those of the methods in force: from now on `valid_instructions` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'instructions' AS noun,
    instructions.run_id
FROM instructions
WHERE instructions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
ON CONFLICT DO NOTHING;
