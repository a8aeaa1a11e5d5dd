-- What each row was made from, one step up: the graph that trace, impact and forget walk.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per row x thing it was made from
-- params: none
CREATE OR REPLACE VIEW lineage_edges AS
SELECT
    exports.export_id AS child_id,
    'line of' AS relation,
    exports.row_id AS parent_id
FROM exports
UNION ALL
SELECT
    responses.response_id AS child_id,
    'answers' AS relation,
    responses.instruction_id AS parent_id
FROM responses
UNION ALL
SELECT
    responses.response_id AS child_id,
    'said in' AS relation,
    responses.completion_id AS parent_id
FROM responses
UNION ALL
SELECT
    instructions.instruction_id AS child_id,
    'grounded in' AS relation,
    instructions.document_id AS parent_id
FROM instructions
WHERE instructions.document_id IS NOT NULL
UNION ALL
SELECT
    instructions.instruction_id AS child_id,
    'shown' AS relation,
    unnest(instructions.parent_ids) AS parent_id
FROM instructions
UNION ALL
SELECT
    instructions.instruction_id AS child_id,
    'written for' AS relation,
    instructions.input_id AS parent_id
FROM instructions
WHERE instructions.input_id IS DISTINCT FROM instructions.document_id AND NOT list_contains(instructions.parent_ids, instructions.input_id)
UNION ALL
SELECT
    instructions.instruction_id AS child_id,
    'said in' AS relation,
    instructions.completion_id AS parent_id
FROM instructions
UNION ALL
SELECT
    groundings.grounding_id AS child_id,
    'explains' AS relation,
    groundings.seed_id AS parent_id
FROM groundings
UNION ALL
SELECT
    groundings.grounding_id AS child_id,
    'grounded in' AS relation,
    groundings.document_id AS parent_id
FROM groundings
UNION ALL
SELECT
    groundings.grounding_id AS child_id,
    'said in' AS relation,
    groundings.completion_id AS parent_id
FROM groundings
UNION ALL
SELECT
    passages.passage_id AS child_id,
    'span of' AS relation,
    passages.document_id AS parent_id
FROM passages
UNION ALL
SELECT
    documents.document_id AS child_id,
    'record of' AS relation,
    documents.source_id AS parent_id
FROM documents
UNION ALL
SELECT
    seeds.seed_id AS child_id,
    'line of' AS relation,
    seeds.source_id AS parent_id
FROM seeds;
