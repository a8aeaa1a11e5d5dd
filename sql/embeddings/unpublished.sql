-- Rows that no audit has passed yet, without their vectors: what `embeddings` is audited on before it is published.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `embeddings`
-- params: none
SELECT
    embeddings.text_id,
    embeddings.noun,
    embeddings.model,
    embeddings.run_id
FROM embeddings
WHERE embeddings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings');
