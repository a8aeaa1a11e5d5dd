-- The beginnings of the documents that were found for seeds.
-- owner:  tasks/groundings.py
-- grain:  one row per document
-- params: $document_ids, $chars
SELECT
    documents.document_id,
    documents.title,
    documents.domain,
    left(documents.text, $chars) AS text
FROM valid_documents AS documents
WHERE documents.document_id IN (SELECT unnest($document_ids))
ORDER BY documents.document_id;
