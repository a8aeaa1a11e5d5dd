-- Take documents of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `documents`
-- params: $ids
DELETE FROM documents
WHERE documents.document_id IN (SELECT unnest($ids));
