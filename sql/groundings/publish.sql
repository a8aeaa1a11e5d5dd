-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_groundings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'groundings' AS noun,
    groundings.fingerprint,
    groundings.run_id
FROM unaudited_groundings AS groundings
ON CONFLICT DO NOTHING;
