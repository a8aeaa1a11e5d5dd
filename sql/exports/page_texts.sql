-- The texts of some pages, also of those that are in force no more.
-- owner:  tasks/spine/provenance/held_out.py
-- grain:  one row per page
-- params: $document_ids
SELECT
    documents.document_id,
    min(documents.text) AS text
FROM documents
WHERE list_contains($document_ids, documents.document_id)
GROUP BY documents.document_id
ORDER BY documents.document_id;
