-- How much personal data was replaced in the documents of the methods in force, by kind.
-- owner:  tasks/documents.py
-- grain:  one row per kind
-- params: none
SELECT
    redactions.kind,
    cast(sum(redactions.count) AS BIGINT) AS replaced,
    count(*) AS documents
FROM redactions
WHERE redactions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
GROUP BY redactions.kind
ORDER BY redactions.kind;
