-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_verdicts` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'verdicts' AS noun,
    verdicts.fingerprint,
    verdicts.run_id
FROM unaudited_verdicts AS verdicts
ON CONFLICT DO NOTHING;
