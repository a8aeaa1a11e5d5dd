-- Rows that no audit has passed yet, of methods that were not given up: what `documents` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `documents`
-- params: none
SELECT documents.*
FROM documents
WHERE
    documents.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'documents')
    AND documents.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND NOT methods.active);
