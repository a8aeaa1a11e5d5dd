-- Answers that these checks have not looked at, with the document where it was shown to who answered, and tests of code.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: $fingerprint
SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    instructions.history,
    responses.text AS response,
    responses.finish_reason,
    if(methods.name = 'answer_grounded', documents.text, NULL) AS document,
    (
        SELECT min(notes.data)
        FROM valid_notes AS notes
        WHERE notes.kind = 'tests' AND list_contains(instructions.parent_ids, notes.note_id)
    ) AS tests
FROM valid_responses AS responses
LEFT JOIN methods ON responses.fingerprint = methods.fingerprint AND methods.stage = 'responses'
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
WHERE
    responses.use <> 'rejected'
    AND responses.response_id NOT IN (
        SELECT verdicts.subject_id
        FROM verdicts
        WHERE verdicts.fingerprint = $fingerprint
    )
ORDER BY responses.response_id;
