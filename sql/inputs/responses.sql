-- Answers, with as much of the page as a budget can hold where it was shown, and the seed's own answer where it has one.
-- owner:  tasks/scores.py
-- grain:  one row per response
-- params: none
CREATE OR REPLACE VIEW inputs_responses AS
SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    instructions.history,
    responses.text AS response,
    responses.use,
    responses.instruction_id,
    responses.model,
    seeds.response AS reference,
    CASE WHEN methods.name = 'answer_grounded' THEN left(documents.text, 200000) END AS document
FROM valid_responses AS responses
LEFT JOIN methods ON responses.fingerprint = methods.fingerprint AND methods.stage = 'responses'
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN valid_seeds AS seeds ON instructions.input_id = seeds.seed_id
WHERE responses.use <> 'rejected';
