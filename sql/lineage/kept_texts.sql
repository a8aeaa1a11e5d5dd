-- Which of these texts are in pages or seeds that stay: they are nobody's own, and prove nothing.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per text
-- params: $fragments, $ids
SELECT DISTINCT quoted.text
FROM (SELECT unnest($fragments) AS text) AS quoted
INNER JOIN lineage_read ON contains(lineage_read.text, quoted.text)
WHERE lineage_read.id NOT IN (SELECT unnest($ids))
ORDER BY quoted.text;
