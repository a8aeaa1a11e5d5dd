-- Answers, given in one of these ways, that this judge has not judged; with the document, cut to what a judge is shown,
-- where it was shown to who answered.
-- owner:  tasks/scores.py
-- grain:  one row per response
-- params: $fingerprint, $ways, $document_chars
SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    responses.text AS response,
    if(methods.name = 'answer_grounded', substr(documents.text, 1, $document_chars), NULL) AS document
FROM valid_responses AS responses
INNER JOIN methods
    ON responses.fingerprint = methods.fingerprint AND methods.stage = 'responses' AND methods.active
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
WHERE
    list_contains($ways, methods.name)
    AND responses.response_id NOT IN (
        SELECT settled.input_id
        FROM settled_scores AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY responses.response_id;
