-- Take scores of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `scores`
-- params: $ids
DELETE FROM scores
WHERE scores.subject_id IN (SELECT unnest($ids));
