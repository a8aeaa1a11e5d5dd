-- Documents that are kept out as near duplicates of these, and are not among them.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per near duplicate
-- params: $ids
SELECT DISTINCT
    duplicates.document_id AS id,
    duplicates.duplicate_of AS original
FROM duplicates
WHERE duplicates.duplicate_of IN (SELECT unnest($ids)) AND duplicates.document_id NOT IN (SELECT unnest($ids))
ORDER BY original, id;
