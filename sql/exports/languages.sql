-- The languages of what the exported instructions were written from.
-- owner:  tasks/exports.py
-- grain:  one row per language
-- params: $row_ids
WITH exported AS (
    SELECT
        instructions.document_id,
        instructions.parent_ids
    FROM valid_instructions AS instructions
    WHERE instructions.instruction_id IN (SELECT unnest($row_ids))
    UNION ALL
    SELECT
        rewrites.document_id,
        cast([] AS VARCHAR[]) AS parent_ids
    FROM valid_rewrites AS rewrites
    WHERE rewrites.rewrite_id IN (SELECT unnest($row_ids))
)

SELECT documents.language
FROM valid_documents AS documents
WHERE documents.document_id IN (SELECT exported.document_id FROM exported)
UNION
SELECT seeds.language
FROM valid_seeds AS seeds
WHERE seeds.seed_id IN (SELECT unnest(exported.parent_ids) FROM exported)
ORDER BY language;
