-- Give near duplicates another original.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per near duplicate
-- params: $ids, $original
UPDATE duplicates
SET duplicate_of = $original
WHERE duplicates.document_id IN (SELECT unnest($ids));
