-- Documents that this version of the recipe has neither written for nor refused.
-- owner:  tasks/instructions.py
-- grain:  one row per document
-- params: $fingerprint, $most
WITH wanted AS (
    SELECT
        documents.document_id,
        documents.title,
        documents.text,
        documents.language,
        documents.url
    FROM valid_documents AS documents
    ORDER BY documents.document_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT
    wanted.document_id AS input_id,
    wanted.title,
    wanted.text,
    wanted.language,
    wanted.url
FROM wanted
WHERE
    wanted.document_id NOT IN (
        SELECT settled.input_id
        FROM settled_instructions AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY wanted.document_id;
