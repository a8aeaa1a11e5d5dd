-- Take the words of requests out whose rows stay, and what was thought of them: they showed a forgotten page beside others.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per model call
-- params: $ids
UPDATE completions
SET
    request = '"forgotten"',
    thought = '',
    logprobs = ''
WHERE completions.completion_id IN (SELECT unnest($ids));
