-- The rows of these ids, whatever method wrote them.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row of the noun
-- params: $ids
SELECT nouns.*
FROM nouns
WHERE nouns.noun_id IN (SELECT unnest($ids))
ORDER BY nouns.noun_id, nouns.noun_method;
