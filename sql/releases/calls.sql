-- The model calls with these ids: who was asked, and under which name it answered; not what was said.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per model call
-- params: $ids
SELECT
    completions.completion_id,
    completions.role,
    completions.model,
    completions.served
FROM completions
WHERE completions.completion_id IN (SELECT unnest($ids))
ORDER BY completions.completion_id;
