-- All sources.
-- owner:  tasks/sources.py
-- grain:  one row per source
-- params: none
SELECT sources.*
FROM sources
ORDER BY sources.source_id;
