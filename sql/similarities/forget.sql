-- Take similarities of these documents out.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `similarities`
-- params: $ids
DELETE FROM similarities
WHERE similarities.document_a IN (SELECT unnest($ids)) OR similarities.document_b IN (SELECT unnest($ids));
