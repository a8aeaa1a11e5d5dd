-- Pages in force, and how long each is.
-- owner:  tasks/spine/vectors/page_quotes.py
-- grain:  one row per document
-- params: none
SELECT
    documents.document_id,
    length(documents.text) AS chars
FROM valid_documents AS documents
ORDER BY documents.document_id;
