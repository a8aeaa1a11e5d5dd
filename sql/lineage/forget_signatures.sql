-- Take signatures of these documents out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `signatures`
-- params: $ids
DELETE FROM signatures
WHERE signatures.document_id IN (SELECT unnest($ids));
