-- Model calls that rows of these ids came from, judgements of them included, and those whose answers were refused.
-- owner:  tasks/spine/reach.py
-- grain:  one row per model call
-- params: $ids
SELECT DISTINCT made.completion_id AS id
FROM (
    SELECT
        lineage_edges.child_id AS subject,
        lineage_edges.parent_id AS completion_id
    FROM lineage_edges
    WHERE lineage_edges.relation = 'said in'
    UNION ALL
    SELECT
        calls.subject,
        calls.completion_id
    FROM each_call AS calls
) AS made
WHERE made.subject IN (SELECT unnest($ids)) AND made.completion_id IS NOT NULL
ORDER BY id;
