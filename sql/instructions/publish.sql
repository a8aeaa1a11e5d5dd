-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_instructions` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'instructions' AS noun,
    instructions.run_id
FROM instructions
WHERE instructions.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND NOT methods.active)
ON CONFLICT DO NOTHING;
