-- What these were made from, one step up.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing x thing it was made from
-- params: $ids
SELECT DISTINCT
    lineage_edges.child_id,
    lineage_edges.relation,
    lineage_edges.parent_id
FROM lineage_edges
WHERE lineage_edges.child_id IN (SELECT unnest($ids))
ORDER BY lineage_edges.child_id, lineage_edges.relation, lineage_edges.parent_id;
