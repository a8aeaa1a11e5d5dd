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
        scores.subject_id AS subject,
        scores.completion_id
    FROM scores
    UNION ALL
    SELECT
        verdicts.subject_id AS subject,
        verdicts.completion_id
    FROM verdicts
    UNION ALL
    SELECT
        split_part(rejections.input_id, '#', 1) AS subject,
        nullif(regexp_extract(rejections.detail, '\[([0-9a-f]{20})\]$', 1), '') AS completion_id
    FROM rejections
    UNION ALL
    SELECT
        scores.subject_id AS subject,
        nullif(regexp_extract(scores.reason, '\[([0-9a-f]{20})\]$', 1), '') AS completion_id
    FROM scores
    WHERE scores.value IS NULL
    UNION ALL
    SELECT
        verdicts.subject_id AS subject,
        nullif(regexp_extract(verdicts.detail, '\[([0-9a-f]{20})\]$', 1), '') AS completion_id
    FROM verdicts
    WHERE verdicts.passed IS NULL
) AS made
WHERE made.subject IN (SELECT unnest($ids)) AND made.completion_id IS NOT NULL
ORDER BY id;
