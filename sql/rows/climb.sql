-- Go one step up from everything that was reached last, once for each page: a join that fits small memory, for all rows.
-- owner:  tasks/site/browser.py
-- grain:  one row per page of the browser x thing x thing it was made from
-- params: $height (of the steps to go on from)
INSERT INTO browsed.steps
WITH reached AS (
    SELECT DISTINCT
        steps.block,
        steps.parent_id
    FROM browsed.steps AS steps
    WHERE steps.height = $height
)

SELECT
    $height + 1 AS height,
    reached.block,
    lineage_edges.child_id,
    lineage_edges.relation,
    lineage_edges.parent_id
FROM reached
INNER JOIN lineage_edges ON reached.parent_id = lineage_edges.child_id
WHERE
    NOT EXISTS (
        SELECT earlier.child_id
        FROM browsed.steps AS earlier
        WHERE earlier.block = reached.block AND earlier.child_id = reached.parent_id
    );
