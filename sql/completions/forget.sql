-- Take model calls out of the copy, for what the journal says of them now.
-- owner:  tasks/spine/writing/completions.py
-- grain:  one row per model call
-- params: $completion_ids
DELETE FROM completions
WHERE list_contains($completion_ids, completions.completion_id);
