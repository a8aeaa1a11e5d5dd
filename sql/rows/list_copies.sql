-- Documents that are not used because they are copies of others, exact or near.
-- owner:  tasks/site/lists.py
-- grain:  one row per copy
-- params: $shows_values
WITH active AS (
    SELECT
        methods.stage,
        methods.fingerprint
    FROM methods
    WHERE methods.active
),

copies AS (
    SELECT
        'exact' AS kind,
        documents.document_id,
        documents.duplicate_of,
        1.0 AS similarity,
        documents.run_id
    FROM documents
    WHERE
        documents.duplicate_of IS NOT NULL
        AND documents.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'documents')
    UNION ALL
    SELECT
        'near' AS kind,
        duplicates.document_id,
        duplicates.duplicate_of,
        duplicates.similarity,
        duplicates.run_id
    FROM duplicates
    WHERE duplicates.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.stage = 'duplicates')
),

pages AS (
    SELECT
        documents.document_id,
        min(documents.url) AS url
    FROM documents
    GROUP BY documents.document_id
)

SELECT
    'documents' AS part,
    copies.kind,
    copies.run_id,
    copies.document_id AS id,
    if($shows_values, coalesce(own.url, ''), '') AS telling,
    concat(
        'a copy of ',
        copies.duplicate_of,
        if(copies.kind = 'near', format(', similarity {:.3f}', copies.similarity), ''),
        if($shows_values, concat(', ', kept.url), '')
    ) AS said,
    'document' AS what,
    NULL AS line
FROM copies
LEFT JOIN pages AS own ON copies.document_id = own.document_id
LEFT JOIN pages AS kept ON copies.duplicate_of = kept.document_id
ORDER BY copies.kind, copies.run_id, copies.document_id;
