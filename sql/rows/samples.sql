-- The first lines that a run exported, for its page. Row values: only where the profile allows.
-- owner:  tasks/site/pages.py
-- grain:  one row per exported line
-- params: $run_id, $most
WITH shown AS (
    SELECT exports.*
    FROM exports
    WHERE exports.run_id = $run_id
    ORDER BY exports.path, exports.line, exports.export_id
    LIMIT $most
)

SELECT
    shown.export_id,
    instructions.recipe,
    instructions.text AS instruction,
    responses.model,
    responses.text AS response,
    documents.url
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
