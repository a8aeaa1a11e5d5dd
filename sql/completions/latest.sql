-- The latest model calls that are copied, by the number that the journal gave them.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per model call
-- params: $at_most
SELECT
    completions.sequence,
    completions.completion_id
FROM completions
ORDER BY completions.sequence DESC
LIMIT $at_most;
