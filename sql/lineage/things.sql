-- What is worth knowing at a glance of each thing in the graph: the words that tell it from others, and a note.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per row x method
-- params: none
CREATE OR REPLACE VIEW lineage_things AS
SELECT
    'response' AS kind,
    responses.response_id AS id,
    left(responses.text, 160) AS telling,
    concat('by ', responses.model) AS note
FROM responses
UNION ALL
SELECT
    'instruction' AS kind,
    instructions.instruction_id AS id,
    left(instructions.text, 160) AS telling,
    instructions.recipe AS note
FROM instructions
UNION ALL
SELECT
    'grounding' AS kind,
    groundings.grounding_id AS id,
    left(groundings.scene, 160) AS telling,
    concat('agreement ', groundings.agreement) AS note
FROM groundings
UNION ALL
SELECT
    'passage' AS kind,
    passages.passage_id AS id,
    left(passages.text, 160) AS telling,
    concat('characters ', passages.start_chars, ' to ', passages.end_chars) AS note
FROM passages
UNION ALL
SELECT
    'document' AS kind,
    documents.document_id AS id,
    documents.url AS telling,
    concat('bytes ', documents.record_offset, ' + ', documents.record_length) AS note
FROM documents
UNION ALL
SELECT
    'seed' AS kind,
    seeds.seed_id AS id,
    left(seeds.text, 160) AS telling,
    concat('line ', seeds.line) AS note
FROM seeds
UNION ALL
SELECT
    'source' AS kind,
    sources.source_id AS id,
    sources.uri AS telling,
    concat('sha256 ', left(sources.sha256, 16)) AS note
FROM sources
UNION ALL
SELECT
    'completion' AS kind,
    completions.completion_id AS id,
    completions.model AS telling,
    concat(completions.prompt_tokens, ' + ', completions.completion_tokens, ' tokens') AS note
FROM completions;
