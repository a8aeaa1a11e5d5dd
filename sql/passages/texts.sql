-- The texts of a batch of documents.
-- owner:  tasks/passages.py
-- grain:  one row per document
-- params: $document_ids
SELECT
    documents.document_id,
    any_value(documents.text) AS text
FROM valid_documents AS documents
WHERE documents.document_id IN (SELECT unnest($document_ids))
GROUP BY documents.document_id
ORDER BY documents.document_id;
