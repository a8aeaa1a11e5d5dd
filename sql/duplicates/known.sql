-- What is known of documents in a component: their length, whether an earlier run settled them, and whose copy they are.
-- owner:  tasks/spine/near_copies.py
-- grain:  one row per document
-- params: $fingerprint, $duplicates_fingerprint, $settled_runs, $document_ids
SELECT
    documents.document_id,
    documents.tokens,
    documents.run_id IN (SELECT unnest($settled_runs)) AS is_settled,
    duplicates.duplicate_of
FROM documents
LEFT JOIN duplicates ON documents.document_id = duplicates.document_id AND duplicates.fingerprint = $duplicates_fingerprint
WHERE documents.fingerprint = $fingerprint AND documents.document_id IN (SELECT unnest($document_ids))
ORDER BY documents.document_id;
