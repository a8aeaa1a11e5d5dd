-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_seeds` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'seeds' AS noun,
    seeds.run_id
FROM seeds
WHERE seeds.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND NOT methods.active)
ON CONFLICT DO NOTHING;
