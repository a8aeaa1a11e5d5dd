-- Take groundings of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `groundings`
-- params: $ids
DELETE FROM groundings
WHERE groundings.grounding_id IN (SELECT unnest($ids));
