-- Take repeats of these documents out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `repeats`
-- params: $ids
DELETE FROM repeats
WHERE repeats.document_id IN (SELECT unnest($ids));
