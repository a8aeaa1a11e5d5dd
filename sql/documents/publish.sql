-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_documents` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'documents' AS noun,
    documents.run_id
FROM documents
WHERE documents.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND NOT methods.active)
ON CONFLICT DO NOTHING;
