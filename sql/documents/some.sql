-- A few documents of archives, spread over the ids, to read back from their archives.
-- owner:  tasks/documents.py
-- grain:  one row per document
-- params: none
SELECT
    documents.document_id,
    documents.url
FROM documents
ORDER BY documents.document_id
LIMIT 10;
