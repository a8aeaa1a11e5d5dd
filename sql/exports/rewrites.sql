-- Pages said again by the programs in force, each with its page, its licence and the model that wrote it.
-- owner:  tasks/exports.py
-- grain:  one row per rewrite
-- params: none
SELECT
    rewrites.rewrite_id,
    methods.name AS recipe,
    rewrites.style,
    rewrites.text,
    rewrites.document_id,
    rewrites.document_id AS origin_id,
    documents.url,
    documents.domain,
    coalesce(documents.license, sources.license) AS license,
    coalesce(written.model, '') AS model,
    written.served
FROM valid_rewrites AS rewrites
INNER JOIN methods ON rewrites.fingerprint = methods.fingerprint AND methods.stage = 'instructions' AND methods.active
INNER JOIN valid_documents AS documents ON rewrites.document_id = documents.document_id
INNER JOIN sources ON documents.source_id = sources.source_id
LEFT JOIN completions AS written ON rewrites.completion_id = written.completion_id
WHERE rewrites.rewrite_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
ORDER BY rewrites.document_id, rewrites.rewrite_id;
