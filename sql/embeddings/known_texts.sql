-- Vectors that an embedder made of texts of seeds, and of instructions without earlier turns, valid still or not.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per text
-- params: $model, $texts
SELECT
    asked.text,
    any_value(embeddings.vector) AS vector
FROM (
    SELECT
        seeds.seed_id AS text_id,
        seeds.text
    FROM seeds
    UNION ALL
    SELECT
        instructions.instruction_id AS text_id,
        instructions.text
    FROM instructions
    WHERE instructions.history = ''
) AS asked
INNER JOIN embeddings ON asked.text_id = embeddings.text_id AND embeddings.model = $model
WHERE asked.text IN (SELECT unnest($texts))
GROUP BY asked.text;
