-- Rows that no audit has passed yet, of methods that were not given up: what `scores` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `scores`
-- params: none
SELECT scores.*
FROM scores
WHERE
    scores.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'scores')
    AND scores.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'scores' AND NOT methods.active);
