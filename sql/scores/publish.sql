-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_scores` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'scores' AS noun,
    scores.run_id
FROM scores
WHERE scores.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND NOT methods.active)
ON CONFLICT DO NOTHING;
