-- Answers that these checks have not looked at.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: $fingerprint
SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    responses.text AS response,
    responses.finish_reason,
    documents.text AS document
FROM valid_responses AS responses
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
WHERE
    responses.response_id NOT IN (
        SELECT settled.input_id
        FROM settled_verdicts AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY responses.response_id;
