-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_selections` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'selections' AS noun,
    selections.fingerprint,
    selections.run_id
FROM unaudited_selections AS selections
ON CONFLICT DO NOTHING;
