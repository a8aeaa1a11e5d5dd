-- The row behind one line of an exported file; a path is known by its end, wherever the file was copied to.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per exported line
-- params: $path, $line
SELECT exports.*
FROM exports
WHERE exports.line = $line AND (exports.path = $path OR ends_with($path, concat('/', exports.path)))
ORDER BY length(exports.path) DESC, exports.export_id;
