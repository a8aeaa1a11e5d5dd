-- The files of the exports in force, how many lines each has, and a row of each to look at: one made from a page, if there is one.
-- owner:  tasks/spine/watching/summaries.py
-- grain:  one row per file
-- params: none
WITH from_pages AS (
    SELECT responses.response_id
    FROM responses
    INNER JOIN instructions ON responses.instruction_id = instructions.instruction_id
    WHERE instructions.document_id IS NOT NULL
)

SELECT
    valid_exports.path,
    count(*) AS rows_in_file,
    coalesce(
        min(valid_exports.row_id) FILTER (
            WHERE valid_exports.row_id IN (SELECT from_pages.response_id FROM from_pages)
        ),
        min(valid_exports.row_id)
    ) AS example_id
FROM valid_exports
GROUP BY valid_exports.path
ORDER BY valid_exports.path;
