-- Number the pages that exported lines rest on, in the order of the lines that come first.
-- owner:  tasks/site/browser.py
-- grain:  one row per document
-- params: none
CREATE OR REPLACE TABLE browsed.pages AS
SELECT
    row_number() OVER (ORDER BY min(lines.number), lines.document_id) - 1 AS page,
    lines.document_id,
    any_value(lines.document_method) AS document_method
FROM browsed.lines AS lines
WHERE lines.document_id IS NOT NULL
GROUP BY lines.document_id;
