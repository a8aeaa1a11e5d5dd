-- Near copies as a method has marked them.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per near duplicate
-- params: $duplicates_fingerprint
SELECT
    duplicates.document_id,
    duplicates.duplicate_of,
    duplicates.similarity
FROM duplicates
WHERE duplicates.fingerprint = $duplicates_fingerprint
ORDER BY duplicates.document_id;
