-- Rows that no audit has passed yet, without their vectors: what `embeddings` is audited on before it is published.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `embeddings`
-- params: none
SELECT
    embeddings.text_id,
    embeddings.noun,
    embeddings.model,
    embeddings.run_id
FROM embeddings
WHERE embeddings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings')
ORDER BY embeddings.text_id, embeddings.model;
