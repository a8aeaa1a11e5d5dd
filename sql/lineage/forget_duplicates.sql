-- Take duplicates of these documents out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `duplicates`
-- params: $ids
DELETE FROM duplicates
WHERE duplicates.document_id IN (SELECT unnest($ids));
