-- The documents of pages, the lowest id of each: what revisit records of them stand for.
-- owner:  tasks/documents.py
-- grain:  one row per URL
-- params: $fingerprint, $urls
SELECT
    documents.url,
    min(documents.document_id) AS document_id
FROM documents
WHERE documents.fingerprint = $fingerprint AND documents.url IN (SELECT unnest($urls))
GROUP BY documents.url
ORDER BY documents.url;
