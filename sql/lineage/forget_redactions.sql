-- Take redactions of these documents out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `redactions`
-- params: $ids
DELETE FROM redactions
WHERE redactions.document_id IN (SELECT unnest($ids));
