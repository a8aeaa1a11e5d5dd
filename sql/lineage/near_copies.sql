-- Documents that are kept out as near duplicates of these, and are not among them.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per document
-- params: $ids
SELECT DISTINCT
    documents.document_id AS id,
    documents.duplicate_of AS original
FROM documents
WHERE documents.duplicate_of IN (SELECT unnest($ids)) AND documents.document_id NOT IN (SELECT unnest($ids))
ORDER BY original, id;
