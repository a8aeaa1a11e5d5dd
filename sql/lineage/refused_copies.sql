-- Records that were refused since they are the same page and text as one of these documents.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per refused record x method
-- params: $ids
SELECT rejections.input_id
FROM rejections
WHERE
    rejections.stage = 'documents'
    AND regexp_extract(rejections.detail, '\bdocument ([0-9a-f]{20})', 1) IN (SELECT unnest($ids))
ORDER BY rejections.input_id;
