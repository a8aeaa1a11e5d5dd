-- Steps up to what a row's text may hold something of: not to the call that said it, nor to the page of a demonstration.
-- owner:  tasks/exports.py
-- grain:  one row per row x thing it was made from
-- params: none
CREATE OR REPLACE VIEW lineage_origins AS
SELECT
    edges.child_id,
    edges.parent_id
FROM lineage_edges AS edges
WHERE
    edges.relation <> 'said in'
    AND NOT (  -- a demonstration shows how it is done: its page is not in what is written after it
        edges.relation = 'grounded in'
        AND edges.child_id IN (SELECT groundings.grounding_id FROM groundings)
    );
