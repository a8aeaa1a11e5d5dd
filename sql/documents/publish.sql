-- Publish what passed its audit: from now on `valid_documents` shows it.
-- owner:  tasks/spine/validation.py
-- grain:  one row per run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'documents' AS noun,
    documents.run_id
FROM documents
ON CONFLICT DO NOTHING;
