-- Documents in the order in which one of several is kept: the first fetched, the longest of one date, the first of an archive.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per document
-- params: $fingerprint, $document_ids
SELECT documents.document_id
FROM documents
INNER JOIN fetched_documents AS fetched
    ON documents.document_id = fetched.document_id AND documents.fingerprint = fetched.fingerprint
WHERE documents.fingerprint = $fingerprint AND documents.document_id IN (SELECT unnest($document_ids))
ORDER BY fetched.first_place.moment ASC, documents.tokens DESC, fetched.first_place ASC, documents.document_id ASC;
