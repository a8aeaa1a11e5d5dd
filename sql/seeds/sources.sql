-- The conversation sets that seeds were read from.
-- owner:  tasks/seeds.py
-- grain:  one row per file
-- params: none
SELECT
    sources.source_id,
    sources.name,
    sources.uri
FROM sources
WHERE sources.kind = 'conversations'
ORDER BY sources.source_id;
