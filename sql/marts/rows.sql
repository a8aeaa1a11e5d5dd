-- Exported lines as people read them: question, answer, who wrote it, from which page. Row values: only where the profile allows.
-- owner:  tasks/spine/marts.py
-- grain:  one row per exported line
-- params: $most, $run_id (NULL: of the dataset in force)
WITH shown AS (
    SELECT exports.*
    FROM exports
    WHERE
        exports.run_id = $run_id
        OR (
            $run_id IS NULL
            AND exports.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND methods.active)
        )
    ORDER BY exports.path, exports.line, exports.export_id
    LIMIT $most
)

SELECT
    shown.export_id,
    shown.path,
    shown.line,
    shown.run_id,
    instructions.instruction_id,
    instructions.recipe,
    instructions.text AS instruction,
    responses.response_id,
    responses.model,
    responses.text AS response,
    documents.document_id,
    documents.url,
    documents.title
FROM shown
LEFT JOIN responses ON shown.row_id = responses.response_id
LEFT JOIN instructions ON instructions.instruction_id = coalesce(responses.instruction_id, shown.row_id)
LEFT JOIN documents ON instructions.document_id = documents.document_id
QUALIFY
    row_number() OVER (
        PARTITION BY shown.export_id
        ORDER BY responses.fingerprint, instructions.fingerprint, documents.fingerprint
    ) = 1
ORDER BY shown.path, shown.line, shown.export_id;
