-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_passages` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'passages' AS noun,
    passages.run_id
FROM passages
WHERE passages.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'passages' AND NOT methods.active)
ON CONFLICT DO NOTHING;
