-- Rows of the methods in force that no audit has passed yet: what `groundings` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `groundings`
-- params: none
SELECT groundings.*
FROM groundings
WHERE
    groundings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'groundings')
    AND groundings.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'groundings' AND methods.active);
