-- What was forgotten and must not come back with another archive.
-- owner:  tasks/documents.py
-- grain:  one row per tombstone
-- params: none
SELECT
    tombstones.kind,
    tombstones.value
FROM tombstones
WHERE tombstones.kind IN ('url', 'domain', 'source', 'text', 'document')
ORDER BY tombstones.kind, tombstones.value;
