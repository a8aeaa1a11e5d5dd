-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_responses` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'responses' AS noun,
    responses.fingerprint,
    responses.run_id
FROM unaudited_responses AS responses
ON CONFLICT DO NOTHING;
