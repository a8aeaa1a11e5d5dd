-- Texts to compare exactly, and how long they are.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per document
-- params: $fingerprint, $document_ids
SELECT
    documents.document_id,
    documents.text
FROM documents
WHERE documents.fingerprint = $fingerprint AND documents.document_id IN (SELECT unnest($document_ids))
ORDER BY documents.document_id;
