-- The pages behind all that can be exported: instructions and rewrites, each with every page that it came from.
-- owner:  tasks/spine/provenance/held_out.py
-- grain:  one row per row x page
-- params: none
WITH RECURSIVE origins AS (
    SELECT
        instructions.instruction_id AS row_id,
        instructions.instruction_id AS id
    FROM valid_instructions AS instructions
    UNION
    SELECT
        rewrites.rewrite_id AS row_id,
        rewrites.document_id AS id
    FROM valid_rewrites AS rewrites
    UNION
    SELECT
        origins.row_id,
        lineage_origins.parent_id AS id
    FROM origins
    INNER JOIN lineage_origins ON origins.id = lineage_origins.child_id
)

SELECT DISTINCT
    origins.row_id,
    documents.document_id,
    documents.domain
FROM origins
INNER JOIN valid_documents AS documents ON origins.id = documents.document_id
ORDER BY origins.row_id, documents.document_id;
