-- Pages in force, with their text.
-- owner:  tasks/spine/vectors/page_quotes.py
-- grain:  one row per document
-- params: none
SELECT
    documents.document_id,
    documents.text
FROM valid_documents AS documents
ORDER BY documents.document_id;
