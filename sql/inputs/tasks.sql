-- Tasks that can be verified, with the page that each was made of.
-- owner:  tasks/scores.py
-- grain:  one row per instruction that a recipe noted as a task
-- params: none
CREATE OR REPLACE VIEW inputs_tasks AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.document_id,
    notes.data AS task,
    documents.text AS page,
    NULL AS reference
FROM valid_instructions AS instructions
INNER JOIN valid_notes AS notes
    ON
        instructions.instruction_id = json_extract_string(notes.data, '$.instruction_id')
        AND notes.kind = 'task'
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id;
