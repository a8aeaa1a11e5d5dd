-- Everything that was made from these, however many steps down, and these themselves (depth 0).
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing
-- params: $ids
WITH RECURSIVE reached AS (
    SELECT
        unnest($ids) AS id,
        0 AS depth
    UNION
    SELECT
        lineage_edges.child_id AS id,
        reached.depth + 1 AS depth
    FROM reached
    INNER JOIN lineage_edges ON reached.id = lineage_edges.parent_id
    WHERE reached.depth < 64  -- rounds of KNN-Instruct are at most 8; this only stops a broken store
)

SELECT
    lineage_nodes.kind,
    reached.id,
    min(reached.depth) AS depth
FROM reached
INNER JOIN lineage_nodes ON reached.id = lineage_nodes.id
GROUP BY lineage_nodes.kind, reached.id
ORDER BY depth, lineage_nodes.kind, reached.id;
