-- The exports of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per exported line
-- params: $ids
SELECT exports.*
FROM exports
WHERE exports.export_id IN (SELECT unnest($ids))
ORDER BY exports.export_id, exports.fingerprint;
