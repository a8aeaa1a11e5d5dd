-- Which of these texts are in pages, seeds or rows that stay: they are nobody's own, and prove nothing.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per text
-- params: $fragments, $ids
WITH words AS (
    SELECT
        lineage_read.id,
        lineage_read.text
    FROM lineage_read
    UNION ALL
    SELECT
        lineage_written.id,
        lineage_written.text
    FROM lineage_written
)

SELECT DISTINCT quoted.text
FROM (SELECT unnest($fragments) AS text) AS quoted
INNER JOIN words ON contains(words.text, quoted.text)
WHERE words.id NOT IN (SELECT unnest($ids))
ORDER BY quoted.text;
