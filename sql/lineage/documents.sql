-- The documents of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per document x method
-- params: $ids
SELECT documents.*
FROM documents
WHERE documents.document_id IN (SELECT unnest($ids))
ORDER BY documents.document_id, documents.fingerprint;
