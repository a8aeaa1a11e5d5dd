-- The groundings of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per grounding x method
-- params: $ids
SELECT groundings.*
FROM groundings
WHERE groundings.grounding_id IN (SELECT unnest($ids))
ORDER BY groundings.grounding_id, groundings.fingerprint;
