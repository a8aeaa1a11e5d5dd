-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_passages` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'passages' AS noun,
    passages.fingerprint,
    passages.run_id
FROM unaudited_passages AS passages
ON CONFLICT DO NOTHING;
