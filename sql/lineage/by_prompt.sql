-- Rows that a prompt wrote: by the fingerprint of its method, or by the method's name (all its versions).
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row
-- params: $value
SELECT DISTINCT lineage_nodes.id
FROM lineage_nodes
WHERE
    starts_with(lineage_nodes.method, $value)
    OR lineage_nodes.method IN (SELECT methods.fingerprint FROM methods WHERE methods.name = $value)
ORDER BY lineage_nodes.id;
