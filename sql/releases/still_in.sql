-- Lines of the export in force that rest on what was excluded since.
-- owner:  tasks/spine/releases/releases.py
-- grain:  one row per line
-- params: none
SELECT exports.export_id
FROM valid_exports AS exports
WHERE exports.row_id IN (SELECT excluded.id FROM lineage_excluded AS excluded);
