-- The pages behind all lines that any export ever held, also of datasets that were written anew, and on which side they were.
-- owner:  tasks/spine/provenance/held_out.py
-- grain:  one row per page x side
-- params: none
WITH RECURSIVE origins AS (
    SELECT
        exports.row_id AS id,
        ends_with(exports.path, '/tasks/evaluation.jsonl') AS is_evaluation
    FROM exports
    UNION
    SELECT
        lineage_origins.parent_id AS id,
        origins.is_evaluation
    FROM origins
    INNER JOIN lineage_origins ON origins.id = lineage_origins.child_id
)

SELECT DISTINCT
    documents.document_id,
    documents.domain,
    origins.is_evaluation
FROM origins
INNER JOIN documents ON origins.id = documents.document_id
ORDER BY documents.document_id, origins.is_evaluation;
