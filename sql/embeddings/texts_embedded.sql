-- Which texts of some nouns have a vector under one embedder, and how: what a cached matrix of them must hold.
-- owner:  tasks/spine/vectors/retrieval.py
-- grain:  one row per text
-- params: $nouns, $model
SELECT
    embeddings.text_id,
    embeddings.text_id IN (
        SELECT instructions.instruction_id FROM instructions WHERE instructions.history <> ''
    ) AS is_of_turns
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
