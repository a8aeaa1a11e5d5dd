-- Rows that no audit has passed yet: what `sources` is audited on.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `sources`
-- params: none
SELECT sources.*
FROM unaudited_sources AS sources;
