-- What exported lines were made from, step by step up to the archive, with what is worth knowing of each thing.
-- owner:  tasks/site/browser.py
-- grain:  one row per page of the browser x thing x thing it was made from
-- params: $start, $stop (numbers of lines), $block (lines on a page)
WITH up AS (
    SELECT DISTINCT
        steps.block,
        steps.child_id,
        steps.relation,
        steps.parent_id
    FROM browsed.steps AS steps
    WHERE steps.block >= $start // $block AND steps.block * $block < $stop
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
