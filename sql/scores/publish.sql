-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_scores` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'scores' AS noun,
    scores.fingerprint,
    scores.run_id
FROM unaudited_scores AS scores
ON CONFLICT DO NOTHING;
