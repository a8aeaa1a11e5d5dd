-- Give near duplicates another original: NULL for the one that takes its place.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per document
-- params: $ids, $original
UPDATE documents
SET duplicate_of = $original
WHERE documents.document_id IN (SELECT unnest($ids));
