-- Which versions the store's tables came through, oldest first; a store that was made at its version has one row.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row per version
-- params: none
SELECT upgrades.*
FROM upgrades
ORDER BY upgrades.version;
