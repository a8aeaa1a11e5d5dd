-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_instructions` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'instructions' AS noun,
    instructions.fingerprint,
    instructions.run_id
FROM unaudited_instructions AS instructions
ON CONFLICT DO NOTHING;
