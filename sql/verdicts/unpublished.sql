-- Rows that no audit has passed yet, of methods that were not given up: what `verdicts` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `verdicts`
-- params: none
SELECT verdicts.*
FROM verdicts
WHERE
    verdicts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'verdicts')
    AND verdicts.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'verdicts' AND NOT methods.active);
