-- The place in the journal up to which completions are loaded.
-- owner:  tasks/spine/writing/completions.py
-- grain:  one row
-- params: none
SELECT coalesce(max(completions.sequence), 0) AS sequence
FROM completions;
