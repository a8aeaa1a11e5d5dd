-- The vectors of these texts, by whatever embedder.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per text x embedder
-- params: $ids
SELECT embeddings.vector
FROM embeddings
WHERE embeddings.text_id IN (SELECT unnest($ids))
ORDER BY embeddings.text_id, embeddings.model;
