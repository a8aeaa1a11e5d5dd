-- All decisions, the oldest first.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per decision
-- params: none
SELECT decisions.*
FROM decisions
ORDER BY decisions.decided_at, decisions.kind, decisions.value;
