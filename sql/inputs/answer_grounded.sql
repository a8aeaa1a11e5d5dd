-- Instructions that are answered beside their page, with as much of it as a budget can hold.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_answer_grounded AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.domain,
    left(documents.text, 200000) AS document
FROM ways_responses AS instructions
INNER JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
WHERE instructions.way = 'answer_grounded';
