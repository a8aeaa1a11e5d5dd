-- Lengths in tokens, by powers of two.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per noun x power of two
-- params: none
SELECT
    texts.noun,
    cast(power(2, floor(log2(greatest(texts.tokens, 1)))) AS BIGINT) AS from_tokens,
    count(*) AS texts
FROM (
    SELECT
        'documents' AS noun,
        valid_documents.tokens
    FROM valid_documents
    UNION ALL
    SELECT
        'seeds' AS noun,
        valid_seeds.tokens
    FROM valid_seeds
    UNION ALL
    SELECT
        'instructions' AS noun,
        length(valid_instructions.text) // 4 AS tokens
    FROM valid_instructions
    UNION ALL
    SELECT
        'responses' AS noun,
        length(valid_responses.text) // 4 AS tokens
    FROM valid_responses
) AS texts
GROUP BY texts.noun, from_tokens
ORDER BY texts.noun, from_tokens;
