-- Seeds whose grounding is among these and which stay.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per seed x method
-- params: $ids
SELECT DISTINCT
    groundings.seed_id AS input_id,
    groundings.fingerprint
FROM groundings
WHERE
    groundings.grounding_id IN (SELECT unnest($ids))
    AND groundings.seed_id NOT IN (SELECT unnest($ids))
ORDER BY input_id, groundings.fingerprint;
