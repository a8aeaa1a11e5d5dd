-- The sources of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per source
-- params: $ids
SELECT sources.*
FROM sources
WHERE sources.source_id IN (SELECT unnest($ids))
ORDER BY sources.source_id;
