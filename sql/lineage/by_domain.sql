-- Documents of a domain and its subdomains.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per document
-- params: $value
SELECT DISTINCT documents.document_id AS id
FROM documents
WHERE documents.domain = lower($value) OR ends_with(documents.domain, concat('.', lower($value)))
ORDER BY id;
