-- Sources by id, name or address.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per source
-- params: $value
SELECT DISTINCT sources.source_id AS id
FROM sources
WHERE sources.source_id = $value OR sources.name = $value OR sources.uri = $value OR ends_with(sources.uri, concat('/', $value))
ORDER BY id;
