-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_documents` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'documents' AS noun,
    documents.fingerprint,
    documents.run_id
FROM unaudited_documents AS documents
ON CONFLICT DO NOTHING;
