-- Tasks that can be verified, with the page that each was made of, and the texts of other pages that it cites, by their ids.
-- owner:  tasks/scores.py
-- grain:  one row per instruction that a recipe noted as a task
-- params: none
CREATE OR REPLACE VIEW inputs_tasks AS
WITH cited AS (
    SELECT
        notes.note_id,
        unnest(json_extract_string(notes.data, '$.elsewhere[*].document_id')) AS document_id
    FROM valid_notes AS notes
    WHERE notes.kind = 'task'
),

others AS (
    SELECT
        cited.note_id,
        to_json(map_from_entries(list(row(documents.document_id, documents.text) ORDER BY documents.document_id))) AS texts
    FROM cited
    INNER JOIN valid_documents AS documents ON cited.document_id = documents.document_id
    GROUP BY cited.note_id
)

SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.document_id,
    notes.data AS task,
    documents.text AS page,
    others.texts AS others,
    NULL AS reference
FROM valid_instructions AS instructions
INNER JOIN valid_notes AS notes
    ON
        instructions.instruction_id = json_extract_string(notes.data, '$.instruction_id')
        AND notes.kind = 'task'
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN others ON notes.note_id = others.note_id;
