-- Counts over the rows of `rewrites` that no audit has passed yet, that the suite judges.
-- owner:  expectations/rewrites.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT rewrites.*
    FROM unaudited_rewrites AS rewrites
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT count(*)
        FROM written
        WHERE written.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphan_documents,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions;
