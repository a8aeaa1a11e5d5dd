-- Runs that wrote documents, or learned rules, that have not been held against each other yet.
-- owner:  tasks/spine/reading/site_rules.py
-- grain:  one row per run
-- params: $fingerprint, $settled_runs
SELECT fresh.run_id
FROM (
    SELECT documents.run_id
    FROM documents
    WHERE documents.fingerprint = $fingerprint
    UNION
    SELECT site_rules.run_id
    FROM site_rules
) AS fresh
WHERE fresh.run_id NOT IN (SELECT unnest($settled_runs))
ORDER BY fresh.run_id;
