-- What these rest on, step by step up to the sources and to the model calls that said them.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per thing x thing it was made from
-- params: $ids
WITH RECURSIVE up AS (
    SELECT unnest($ids) AS id
    UNION
    SELECT lineage_edges.parent_id AS id
    FROM up
    INNER JOIN lineage_edges ON up.id = lineage_edges.child_id
)

SELECT DISTINCT
    lineage_edges.child_id,
    lineage_edges.relation,
    lineage_edges.parent_id
FROM lineage_edges
WHERE lineage_edges.child_id IN (SELECT up.id FROM up)
ORDER BY lineage_edges.child_id, lineage_edges.relation, lineage_edges.parent_id;
