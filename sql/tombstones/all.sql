-- All tombstones.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per forgotten page, domain, source or text, or per row that is not to be made again
-- params: none
SELECT tombstones.*
FROM tombstones
ORDER BY tombstones.kind, tombstones.value;
