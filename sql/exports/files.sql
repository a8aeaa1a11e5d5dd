-- The files of the exports in force, and how many lines each has.
-- owner:  tasks/spine/summaries.py
-- grain:  one row per file
-- params: none
SELECT
    valid_exports.path,
    count(*) AS rows_in_file,
    min(valid_exports.row_id) AS example_id
FROM valid_exports
GROUP BY valid_exports.path
ORDER BY valid_exports.path;
