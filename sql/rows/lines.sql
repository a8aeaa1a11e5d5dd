-- Number the exported lines of the dataset in force, and say which answer, instruction and document each stands on.
-- owner:  tasks/site/browser.py
-- grain:  one row per exported line
-- params: none
CREATE OR REPLACE TABLE browsed.lines AS
WITH active AS (
    SELECT
        methods.stage,
        methods.fingerprint
    FROM methods
    WHERE methods.active
),

-- The same row under several methods: that of the one in force ('false' sorts first), else of the lowest fingerprint.
answers AS (
    SELECT
        responses.response_id,
        any_value(responses.instruction_id) AS instruction_id,
        arg_min(responses.fingerprint, concat(active.fingerprint IS NULL, responses.fingerprint)) AS method
    FROM responses
    LEFT JOIN active ON active.stage IN ('responses', 'instructions') AND responses.fingerprint = active.fingerprint
    GROUP BY responses.response_id
),

questions AS (
    SELECT
        instructions.instruction_id,
        any_value(instructions.document_id) AS document_id,
        arg_min(instructions.fingerprint, concat(active.fingerprint IS NULL, instructions.fingerprint)) AS method
    FROM instructions
    LEFT JOIN active ON active.stage = 'instructions' AND instructions.fingerprint = active.fingerprint
    GROUP BY instructions.instruction_id
),

read_pages AS (
    SELECT
        documents.document_id,
        arg_min(documents.fingerprint, concat(active.fingerprint IS NULL, documents.fingerprint)) AS method
    FROM documents
    LEFT JOIN active ON active.stage = 'documents' AND documents.fingerprint = active.fingerprint
    GROUP BY documents.document_id
)

SELECT
    row_number() OVER (ORDER BY exports.path, exports.line, exports.export_id) - 1 AS number,
    exports.export_id,
    exports.path,
    exports.line,
    answers.response_id,
    answers.method AS response_method,
    questions.instruction_id,
    questions.method AS instruction_method,
    read_pages.document_id,
    read_pages.method AS document_method,
    coalesce(exports.row_id IN (SELECT excluded.id FROM lineage_excluded AS excluded), FALSE) AS is_excluded
FROM exports
LEFT JOIN answers ON exports.row_id = answers.response_id
LEFT JOIN questions ON questions.instruction_id = coalesce(answers.instruction_id, exports.row_id)
LEFT JOIN read_pages ON questions.document_id = read_pages.document_id
WHERE exports.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'exports');
