-- Copies among the documents of the methods in force: exact ones, near ones, and pages that came again.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per kind of copy
-- params: none
WITH active AS (
    SELECT
        methods.stage,
        methods.fingerprint
    FROM methods
    WHERE methods.active
)

SELECT
    'exact' AS kind,
    count(*) AS documents
FROM documents
WHERE
    documents.duplicate_of IS NOT NULL
    AND documents.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'documents')
UNION ALL
SELECT
    'near' AS kind,
    count(*) AS documents
FROM duplicates
WHERE duplicates.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'duplicates')
UNION ALL
SELECT
    'same page again' AS kind,
    count(*) AS documents
FROM rejections
WHERE
    rejections.stage = 'documents'
    AND rejections.reason = 'already_seen'
    AND rejections.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'documents')
ORDER BY kind;
