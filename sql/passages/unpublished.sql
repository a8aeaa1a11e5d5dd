-- Rows that no audit has passed yet, of methods that were not given up: what `passages` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `passages`
-- params: none
SELECT passages.*
FROM passages
WHERE
    passages.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'passages')
    AND passages.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'passages' AND NOT methods.active);
