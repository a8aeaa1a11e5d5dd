-- Take seeds of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `seeds`
-- params: $ids
DELETE FROM seeds
WHERE seeds.seed_id IN (SELECT unnest($ids));
