-- Rows that a model wrote, not among these, and that hold one of these texts: they were shown it, whatever is on record.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per row
-- params: $fragments, $ids
WITH quoted AS (SELECT unnest($fragments) AS text)

SELECT DISTINCT written.id
FROM lineage_written AS written
INNER JOIN quoted ON contains(written.text, quoted.text)
WHERE written.id NOT IN (SELECT unnest($ids))
ORDER BY written.id;
