-- Rows that no audit has passed yet, of methods that were not given up: what `instructions` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `instructions`
-- params: none
SELECT instructions.*
FROM instructions
WHERE
    instructions.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions')
    AND instructions.fingerprint NOT IN (
        SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND NOT methods.active
    );
