-- Rows that no audit has passed yet: what `settled` is audited on.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `settled`
-- params: none
SELECT settled.*
FROM unaudited_settled AS settled;
