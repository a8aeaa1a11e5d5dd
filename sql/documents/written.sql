-- Documents that a method has written, whatever became of them: what a limit counts.
-- owner:  tasks/documents.py
-- grain:  one row per document
-- params: $fingerprint
SELECT documents.document_id
FROM documents
WHERE documents.fingerprint = $fingerprint
ORDER BY documents.document_id;
