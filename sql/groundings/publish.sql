-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_groundings` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'groundings' AS noun,
    groundings.run_id
FROM groundings
WHERE groundings.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'groundings' AND NOT methods.active)
ON CONFLICT DO NOTHING;
