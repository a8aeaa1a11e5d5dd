-- Take verdicts of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `verdicts`
-- params: $ids
DELETE FROM verdicts
WHERE verdicts.subject_id IN (SELECT unnest($ids));
