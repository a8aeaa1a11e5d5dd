-- Rows that no audit has passed yet, of methods that were not given up: what `seeds` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `seeds`
-- params: none
SELECT seeds.*
FROM seeds
WHERE
    seeds.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'seeds')
    AND seeds.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND NOT methods.active);
