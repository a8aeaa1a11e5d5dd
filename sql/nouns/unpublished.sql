-- Rows that no audit has passed yet, of methods that were not given up: what a noun is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of the noun
-- params: none
SELECT nouns.*
FROM unaudited_nouns AS nouns;
