-- Which documents have a newer text, in words: a part of `lineage_judged`.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per older document
-- params: none
SELECT DISTINCT
    rejections.input_id AS id,
    'superseded' AS what,
    rejections.detail AS found
FROM rejections
WHERE rejections.stage = 'documents' AND rejections.reason = 'superseded';
