-- The kinds of these ids.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing
-- params: $ids
SELECT DISTINCT
    lineage_nodes.id,
    lineage_nodes.kind
FROM lineage_nodes
WHERE lineage_nodes.id IN (SELECT unnest($ids))
ORDER BY lineage_nodes.id, lineage_nodes.kind;
