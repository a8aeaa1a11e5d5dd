-- Take the words of requests out whose rows stay: they showed a forgotten page beside others.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per model call
-- params: $ids
UPDATE completions
SET request = '"forgotten"'
WHERE completions.completion_id IN (SELECT unnest($ids));
