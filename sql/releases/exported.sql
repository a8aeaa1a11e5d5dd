-- The export in force: its name, the identity of what it holds, and the settings of the run that wrote it.
-- owner:  tasks/spine/releases/releases.py
-- grain:  one row per dataset
-- params: none
SELECT
    split_part(min(exports.path), '/', 2) AS name,
    exports.fingerprint,
    max(exports.manifest) AS manifest,
    max(runs.settings) AS settings,
    max(runs.commit) AS commit,
    max(runs.versions) AS versions
FROM valid_exports AS exports
LEFT JOIN runs ON exports.run_id = runs.run_id
GROUP BY exports.fingerprint
ORDER BY exports.fingerprint;
