-- Documents that nothing has refused but a newer text, with the rules of their hosts, where one of the two is new.
-- owner:  tasks/spine/reading/site_rules.py
-- grain:  one row per document x rules
-- params: $fingerprint, $settled_runs
SELECT
    documents.document_id,
    documents.url,
    site_rules.host,
    site_rules.name,
    site_rules.rules
FROM documents
INNER JOIN site_rules ON documents.domain = site_rules.host
WHERE
    documents.fingerprint = $fingerprint
    AND (
        documents.run_id NOT IN (SELECT unnest($settled_runs))
        OR site_rules.run_id NOT IN (SELECT unnest($settled_runs))
    )
    AND documents.document_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE
            rejections.stage = 'documents'
            AND rejections.fingerprint = $fingerprint
            AND rejections.reason <> 'superseded'
    )
ORDER BY documents.document_id, site_rules.site_rules_id;
