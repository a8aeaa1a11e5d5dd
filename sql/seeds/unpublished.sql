-- Rows that no audit has passed yet, of methods that were not given up: what `seeds` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `seeds`
-- params: none
SELECT seeds.*
FROM unaudited_seeds AS seeds;
