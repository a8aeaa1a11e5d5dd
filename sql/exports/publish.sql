-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_exports` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'exports' AS noun,
    exports.fingerprint,
    exports.run_id
FROM unaudited_exports AS exports
ON CONFLICT DO NOTHING;
