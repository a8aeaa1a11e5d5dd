-- The model calls whose answers were refused: a part of `lineage/calls_of`.
-- owner:  tasks/spine/reach.py
-- grain:  one row per refused input
-- params: none
SELECT
    split_part(rejections.input_id, '#', 1) AS subject,
    nullif(regexp_extract(rejections.detail, '\[([0-9a-f]{20})\]$', 1), '') AS completion_id
FROM rejections;
