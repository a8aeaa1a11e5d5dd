-- Languages of the valid documents and seeds.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per noun x language
-- params: none
SELECT
    texts.noun,
    texts.language,
    count(*) AS texts,
    cast(sum(texts.tokens) AS BIGINT) AS tokens
FROM (
    SELECT
        'documents' AS noun,
        valid_documents.language,
        valid_documents.tokens
    FROM valid_documents
    UNION ALL
    SELECT
        'seeds' AS noun,
        valid_seeds.language,
        valid_seeds.tokens
    FROM valid_seeds
) AS texts
GROUP BY texts.noun, texts.language
ORDER BY texts.noun ASC, texts DESC, texts.language ASC;
