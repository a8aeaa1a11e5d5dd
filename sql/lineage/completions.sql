-- The completions of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per completion
-- params: $ids
SELECT completions.*
FROM completions
WHERE completions.completion_id IN (SELECT unnest($ids))
ORDER BY completions.completion_id;
