-- All documents, whatever method wrote them and whether they are valid.
-- owner:  tasks/documents.py
-- grain:  one row per document x method
-- params: none
SELECT documents.*
FROM documents
ORDER BY documents.document_id, documents.fingerprint;
