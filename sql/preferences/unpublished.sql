-- Rows that no audit has passed yet, of methods that were not given up: what `preferences` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `preferences`
-- params: none
SELECT preferences.*
FROM unaudited_preferences AS preferences;
