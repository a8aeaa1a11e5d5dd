-- What an id, or the beginning of one, names.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing
-- params: $prefix
SELECT DISTINCT
    lineage_nodes.kind,
    lineage_nodes.id
FROM lineage_nodes
WHERE starts_with(lineage_nodes.id, $prefix)
ORDER BY lineage_nodes.kind, lineage_nodes.id
LIMIT 20;
