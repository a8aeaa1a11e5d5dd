-- Instructions that this embedder has neither embedded nor refused.
-- owner:  tasks/embeddings.py
-- grain:  one row per instruction
-- params: $model
SELECT DISTINCT
    instructions.instruction_id AS text_id,
    instructions.text,
    instructions.history
FROM valid_instructions AS instructions
WHERE
    instructions.instruction_id NOT IN (SELECT embeddings.text_id FROM embeddings WHERE embeddings.model = $model)
    AND instructions.instruction_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'embeddings' AND rejections.fingerprint = $model
    )
ORDER BY instructions.instruction_id;
