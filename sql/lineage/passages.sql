-- The passages of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per passage x method
-- params: $ids
SELECT passages.*
FROM passages
WHERE passages.passage_id IN (SELECT unnest($ids))
ORDER BY passages.passage_id, passages.fingerprint;
