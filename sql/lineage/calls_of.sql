-- Model calls that rows of these ids came from, and all that was asked about these: judgements, and what was refused.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per model call
-- params: $ids
SELECT lineage_edges.parent_id AS id
FROM lineage_edges
WHERE lineage_edges.relation = 'said in' AND lineage_edges.child_id IN (SELECT unnest($ids))
UNION
SELECT steps.completion_id AS id
FROM steps
WHERE steps.input_id IN (SELECT unnest($ids))
ORDER BY id;
