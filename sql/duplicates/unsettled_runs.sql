-- Runs that wrote documents whose near copies have not been looked for yet.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per run
-- params: $fingerprint, $settled_runs
SELECT DISTINCT signatures.run_id
FROM signatures
WHERE signatures.fingerprint = $fingerprint AND signatures.run_id NOT IN (SELECT unnest($settled_runs))
ORDER BY signatures.run_id;
