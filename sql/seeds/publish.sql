-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_seeds` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'seeds' AS noun,
    seeds.fingerprint,
    seeds.run_id
FROM unaudited_seeds AS seeds
ON CONFLICT DO NOTHING;
