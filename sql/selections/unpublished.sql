-- Rows that no audit has passed yet, of methods that were not given up: what `selections` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `selections`
-- params: none
SELECT selections.*
FROM selections
WHERE
    selections.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'selections')
    AND selections.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'selections' AND NOT methods.active);
