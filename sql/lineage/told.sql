-- What models wrote in these rows.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per text
-- params: $ids
SELECT DISTINCT written.text
FROM lineage_written AS written
WHERE written.id IN (SELECT unnest($ids)) AND written.text IS NOT NULL
ORDER BY written.text;
