-- Take passages of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `passages`
-- params: $ids
DELETE FROM passages
WHERE passages.passage_id IN (SELECT unnest($ids));
