-- Documents this version of the method has not cut, among the first that the run may use.
-- owner:  tasks/passages.py
-- grain:  one row per document
-- params: $fingerprint, $at_most
SELECT wanted.document_id AS input_id
FROM (
    SELECT DISTINCT documents.document_id
    FROM valid_documents AS documents
    ORDER BY documents.document_id  -- so that a smoke run takes the same rows every time
    LIMIT $at_most
) AS wanted
WHERE
    wanted.document_id NOT IN (SELECT passages.document_id FROM passages WHERE passages.fingerprint = $fingerprint)
    AND wanted.document_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'passages' AND rejections.fingerprint = $fingerprint
    )
ORDER BY wanted.document_id;
