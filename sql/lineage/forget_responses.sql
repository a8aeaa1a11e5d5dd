-- Take responses of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `responses`
-- params: $ids
DELETE FROM responses
WHERE responses.response_id IN (SELECT unnest($ids));
