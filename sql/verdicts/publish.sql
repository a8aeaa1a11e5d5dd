-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_verdicts` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'verdicts' AS noun,
    verdicts.run_id
FROM verdicts
WHERE verdicts.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'verdicts' AND NOT methods.active)
ON CONFLICT DO NOTHING;
