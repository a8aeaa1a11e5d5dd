-- Say where a source lies now: it is the same file, by its bytes.
-- owner:  tasks/sources.py
-- grain:  one row
-- params: $source_id, $uri
UPDATE sources
SET uri = $uri
WHERE sources.source_id = $source_id AND sources.uri <> $uri;
