-- All near duplicates, whatever method found them.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per near duplicate x method
-- params: none
SELECT duplicates.*
FROM duplicates
ORDER BY duplicates.document_id, duplicates.fingerprint;
