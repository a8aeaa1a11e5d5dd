-- Documents and seeds as points of a map: the lowest ids, so that the map stays the same while nothing else changes.
-- owner:  tasks/spine/vectors/dataset_measures.py
-- grain:  one row per document or seed
-- params: $at_most
(
    SELECT
        'document' AS kind,
        documents.document_id AS id,
        coalesce(documents.title, documents.url) AS label,
        substr(documents.text, 1, 1000) AS text
    FROM valid_documents AS documents
    ORDER BY documents.document_id
    LIMIT $at_most
)
UNION ALL
(
    SELECT
        'seed' AS kind,
        seeds.seed_id AS id,
        seeds.text AS label,
        seeds.text
    FROM valid_seeds AS seeds
    ORDER BY seeds.seed_id
    LIMIT $at_most
)
ORDER BY kind, id;
