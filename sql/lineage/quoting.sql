-- Pages that stay and have one of these texts.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per URL
-- params: $fragments, $ids
WITH quoted AS (SELECT unnest($fragments) AS text)

SELECT DISTINCT documents.url
FROM documents
INNER JOIN quoted ON contains(documents.text, quoted.text)
WHERE documents.document_id NOT IN (SELECT unnest($ids))
ORDER BY documents.url;
