-- Vectors of the valid texts of some nouns under one embedder, in the order of their ids.
-- owner:  tasks/spine/vectors/retrieval.py
-- grain:  one row per text
-- params: $nouns, $model
SELECT
    embeddings.text_id,
    embeddings.noun,
    embeddings.vector
FROM valid_embeddings AS embeddings
WHERE
    embeddings.model = $model
    AND list_contains($nouns, embeddings.noun)
    AND embeddings.text_id IN (
        SELECT passages.passage_id FROM valid_passages AS passages
        UNION ALL
        SELECT seeds.seed_id FROM valid_seeds AS seeds
        UNION ALL
        SELECT instructions.instruction_id FROM valid_instructions AS instructions
    )
ORDER BY embeddings.text_id;
