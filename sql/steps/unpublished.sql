-- Rows that no audit has passed yet: what `steps` is audited on.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `steps`
-- params: none
SELECT steps.*
FROM unaudited_steps AS steps;
