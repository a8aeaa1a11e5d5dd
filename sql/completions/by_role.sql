-- Model calls of one role, oldest first.
-- owner:  tasks/spine/writing/completions.py
-- grain:  one row per model call
-- params: $role
SELECT completions.*
FROM completions
WHERE completions.role = $role
ORDER BY completions.sequence;
