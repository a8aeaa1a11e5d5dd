-- Rows that no audit has passed yet: what `sources` is audited on.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `sources`
-- params: none
SELECT sources.*
FROM sources
WHERE sources.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'sources');
