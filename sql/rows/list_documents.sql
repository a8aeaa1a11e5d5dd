-- Documents in use, by source and language.
-- owner:  tasks/site/lists.py
-- grain:  one row per document
-- params: $shows_values
SELECT
    coalesce(sources.name, 'unknown') AS part,
    valid_documents.language AS kind,
    valid_documents.run_id,
    valid_documents.document_id AS id,
    if($shows_values, concat_ws(' – ', nullif(valid_documents.title, ''), valid_documents.url), '') AS telling,
    concat(valid_documents.tokens, ' tokens, bytes ', valid_documents.record_offset, ' + ', valid_documents.record_length) AS said,
    'document' AS what,
    lines.number AS line
FROM valid_documents
LEFT JOIN sources ON valid_documents.source_id = sources.source_id
LEFT JOIN (
    SELECT
        lines.document_id,
        min(lines.number) AS number
    FROM browsed.lines AS lines
    GROUP BY lines.document_id
) AS lines ON valid_documents.document_id = lines.document_id
ORDER BY part, kind, valid_documents.run_id, valid_documents.document_id;
