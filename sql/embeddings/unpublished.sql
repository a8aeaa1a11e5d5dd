-- Rows that no audit has passed yet: what `embeddings` is audited on before it is published.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `embeddings`
-- params: none
SELECT embeddings.*
FROM embeddings
WHERE embeddings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings')
ORDER BY ALL;
