-- Documents that the store holds for near copies of these, or of one text with them, and which are not among them.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per document
-- params: $ids
WITH originals AS (
    SELECT unnest($ids) AS id
    UNION
    SELECT duplicates.duplicate_of AS id
    FROM duplicates
    WHERE duplicates.document_id IN (SELECT unnest($ids))
)

SELECT near.id
FROM (
    SELECT originals.id
    FROM originals
    UNION
    SELECT duplicates.document_id AS id
    FROM duplicates
    WHERE duplicates.duplicate_of IN (SELECT originals.id FROM originals)
) AS near
WHERE near.id NOT IN (SELECT unnest($ids))
ORDER BY near.id;
