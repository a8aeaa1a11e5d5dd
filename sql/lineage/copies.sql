-- Documents with the same text as these.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per document
-- params: $ids
SELECT DISTINCT copies.document_id AS id
FROM documents AS copies
WHERE
    copies.text_digest IN (
        SELECT documents.text_digest FROM documents WHERE documents.document_id IN (SELECT unnest($ids))
    )
ORDER BY id;
