-- Begin the way up from exported lines: the first step, to the row that each line shows.
-- owner:  tasks/site/browser.py
-- grain:  one row per page of the browser x thing x thing it was made from
-- params: $block (lines on a page)
CREATE OR REPLACE TABLE browsed.steps AS
SELECT
    1 AS height,
    lines.number // $block AS block,
    lineage_edges.child_id,
    lineage_edges.relation,
    lineage_edges.parent_id
FROM browsed.lines AS lines
INNER JOIN lineage_edges ON lines.export_id = lineage_edges.child_id;
