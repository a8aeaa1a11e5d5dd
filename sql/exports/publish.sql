-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_exports` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'exports' AS noun,
    exports.run_id
FROM exports
WHERE exports.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND NOT methods.active)
ON CONFLICT DO NOTHING;
