-- Model calls that were answered, oldest first; of a refusal no tokens were counted.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per model call
-- params: none
SELECT completions.*
FROM completions
WHERE completions.completion_tokens > 0
ORDER BY completions.sequence;
