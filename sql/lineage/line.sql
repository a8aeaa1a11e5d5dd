-- The row behind one line of an exported file, first as the method in force wrote it, then the newest run's; a path is
-- known by its end, wherever the file is.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per exported line
-- params: $path, $line
SELECT exports.*
FROM exports
LEFT JOIN methods ON methods.stage = 'exports' AND exports.fingerprint = methods.fingerprint
LEFT JOIN runs ON exports.run_id = runs.run_id
WHERE
    exports.line = $line
    AND (
        exports.path = $path
        OR ends_with($path, concat('/', exports.path))
        OR ends_with(exports.path, concat('/', $path))
    )
ORDER BY coalesce(methods.active, FALSE) DESC, runs.started_at DESC, exports.export_id ASC;
