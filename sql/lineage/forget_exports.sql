-- Take exports of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `exports`
-- params: $ids
DELETE FROM exports
WHERE exports.export_id IN (SELECT unnest($ids));
