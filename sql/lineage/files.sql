-- Exported files that these lines are in, and how many of them.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per exported file
-- params: $ids
SELECT
    exports.path,
    exports.run_id,
    count(*) AS lines
FROM exports
WHERE exports.export_id IN (SELECT unnest($ids))
GROUP BY exports.path, exports.run_id
ORDER BY exports.path, exports.run_id;
