-- Instructions, with the site of their page.
-- owner:  tasks/scores.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_instructions AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    documents.domain
FROM valid_instructions AS instructions
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id;
