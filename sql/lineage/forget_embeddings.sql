-- Take embeddings of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `embeddings`
-- params: $ids
DELETE FROM embeddings
WHERE embeddings.text_id IN (SELECT unnest($ids));
