-- Exported lines as people read them: question, answer, who wrote it, from which page. Row values: only where the profile allows.
-- owner:  tasks/spine/marts.py
-- grain:  one row per exported line
-- params: $most, $run_id (NULL: every run)
SELECT
    exports.export_id,
    exports.path,
    exports.line,
    exports.run_id,
    instructions.instruction_id,
    instructions.recipe,
    instructions.text AS instruction,
    responses.response_id,
    responses.model,
    responses.text AS response,
    documents.document_id,
    documents.url,
    documents.title
FROM exports
LEFT JOIN responses ON exports.row_id = responses.response_id
LEFT JOIN instructions ON instructions.instruction_id = coalesce(responses.instruction_id, exports.row_id)
LEFT JOIN documents ON instructions.document_id = documents.document_id
WHERE $run_id IS NULL OR exports.run_id = $run_id
QUALIFY
    row_number() OVER (
        PARTITION BY exports.export_id
        ORDER BY exports.fingerprint, responses.fingerprint, instructions.fingerprint, documents.fingerprint
    ) = 1
ORDER BY exports.path, exports.line, exports.export_id
LIMIT $most;
