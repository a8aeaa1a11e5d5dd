-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_responses` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'responses' AS noun,
    responses.run_id
FROM responses
WHERE responses.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'responses' AND NOT methods.active)
ON CONFLICT DO NOTHING;
