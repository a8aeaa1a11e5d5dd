-- The responses of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per response x method
-- params: $ids
SELECT responses.*
FROM responses
WHERE responses.response_id IN (SELECT unnest($ids))
ORDER BY responses.response_id, responses.fingerprint;
