-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_selections` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'selections' AS noun,
    selections.run_id
FROM selections
WHERE selections.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'selections' AND NOT methods.active)
ON CONFLICT DO NOTHING;
