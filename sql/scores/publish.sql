-- Publish the runs whose rows passed their audit, those of the methods in force: from now on `valid_scores` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'scores' AS noun,
    scores.run_id
FROM scores
WHERE scores.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND methods.active)
ON CONFLICT DO NOTHING;
