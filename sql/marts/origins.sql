-- What exported lines were made from, step by step up to the archive, with what is worth knowing of each thing.
-- owner:  tasks/spine/browser.py
-- grain:  one row per page of the browser x thing x thing it was made from
-- params: $start, $stop (numbers of lines), $block (lines on a page)
WITH RECURSIVE up AS (
    SELECT
        lines.number // $block AS block,
        lineage_edges.child_id,
        lineage_edges.relation,
        lineage_edges.parent_id
    FROM exported_lines AS lines
    INNER JOIN lineage_edges ON lines.export_id = lineage_edges.child_id
    WHERE lines.number >= $start AND lines.number < $stop
    UNION
    SELECT
        up.block,
        above.child_id,
        above.relation,
        above.parent_id
    FROM up
    INNER JOIN lineage_edges AS above ON up.parent_id = above.child_id
),

known AS (
    SELECT
        lineage_things.id,
        min(lineage_things.kind) AS kind,
        min(lineage_things.telling) AS telling,
        min(lineage_things.note) AS note
    FROM lineage_things
    WHERE lineage_things.id IN (SELECT up.parent_id FROM up)
    GROUP BY lineage_things.id
)

SELECT
    up.block,
    up.child_id,
    up.relation,
    up.parent_id,
    known.kind,
    known.telling,
    known.note
FROM up
LEFT JOIN known ON up.parent_id = known.id
ORDER BY up.block, up.child_id, up.relation, up.parent_id;
