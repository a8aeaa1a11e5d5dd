-- Publish the runs whose rows passed their audit, those of the methods in force: from now on `valid_seeds` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'seeds' AS noun,
    seeds.run_id
FROM seeds
WHERE seeds.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND methods.active)
ON CONFLICT DO NOTHING;
