-- The seeds of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per seed x method
-- params: $ids
SELECT seeds.*
FROM seeds
WHERE seeds.seed_id IN (SELECT unnest($ids))
ORDER BY seeds.seed_id, seeds.fingerprint;
