-- Documents, as instructions are written from them.
-- owner:  tasks/instructions.py
-- grain:  one row per document
-- params: none
CREATE OR REPLACE VIEW inputs_documents AS
SELECT
    documents.document_id AS input_id,
    documents.title,
    documents.text,
    documents.language,
    documents.url
FROM valid_documents AS documents;
