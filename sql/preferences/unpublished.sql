-- Rows that no audit has passed yet, of methods that were not given up: what `preferences` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `preferences`
-- params: none
SELECT preferences.*
FROM preferences
WHERE
    preferences.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'preferences')
    AND preferences.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND NOT methods.active);
