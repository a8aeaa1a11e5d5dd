-- Rows that no audit has passed yet, of methods that were not given up, without vectors: what `embeddings` is audited on.
-- As they were written: to sort texts is to hold them all.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `embeddings`
-- params: none
SELECT
    embeddings.text_id,
    embeddings.noun,
    embeddings.model,
    embeddings.run_id
FROM unaudited_embeddings AS embeddings;
