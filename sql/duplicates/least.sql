-- The lowest similarity that made near copies here; NULL where none were looked for.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row
-- params: none
SELECT min(cast(json_extract_string(methods.settings, '$.jaccard') AS DOUBLE)) AS jaccard
FROM methods
WHERE methods.stage = 'duplicates';
