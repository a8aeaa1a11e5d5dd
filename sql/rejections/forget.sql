-- Take refusals of these inputs out (a refused draw has the input's id before its `#`).
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per refused input
-- params: $ids
DELETE FROM rejections
WHERE split_part(rejections.input_id, '#', 1) IN (SELECT unnest($ids));
