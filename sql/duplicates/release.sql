-- Take back that documents are near copies.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per near duplicate
-- params: $duplicates_fingerprint, $document_ids
DELETE FROM duplicates
WHERE
    duplicates.fingerprint = $duplicates_fingerprint
    AND duplicates.document_id IN (SELECT unnest($document_ids));
