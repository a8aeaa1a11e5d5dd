-- Documents of one URL.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per document
-- params: $value
SELECT DISTINCT documents.document_id AS id
FROM documents
WHERE documents.url = $value
ORDER BY id;
