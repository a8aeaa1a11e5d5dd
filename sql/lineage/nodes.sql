-- Every row that has an id of its own, with the kind of thing it is: where an id leads.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per row x method
-- params: none
CREATE OR REPLACE VIEW lineage_nodes AS
SELECT
    'exports' AS kind,
    exports.export_id AS id,
    exports.fingerprint AS method,
    exports.run_id
FROM exports
UNION ALL
SELECT
    'responses' AS kind,
    responses.response_id AS id,
    responses.fingerprint AS method,
    responses.run_id
FROM responses
UNION ALL
SELECT
    'instructions' AS kind,
    instructions.instruction_id AS id,
    instructions.fingerprint AS method,
    instructions.run_id
FROM instructions
UNION ALL
SELECT
    'groundings' AS kind,
    groundings.grounding_id AS id,
    groundings.fingerprint AS method,
    groundings.run_id
FROM groundings
UNION ALL
SELECT
    'passages' AS kind,
    passages.passage_id AS id,
    passages.fingerprint AS method,
    passages.run_id
FROM passages
UNION ALL
SELECT
    'documents' AS kind,
    documents.document_id AS id,
    documents.fingerprint AS method,
    documents.run_id
FROM documents
UNION ALL
SELECT
    'seeds' AS kind,
    seeds.seed_id AS id,
    seeds.fingerprint AS method,
    seeds.run_id
FROM seeds
UNION ALL
SELECT
    'sources' AS kind,
    sources.source_id AS id,
    sources.sha256 AS method,
    sources.run_id
FROM sources
UNION ALL
SELECT
    'completions' AS kind,
    completions.completion_id AS id,
    completions.model AS method,
    completions.run_id
FROM completions;
