-- What judges, checks and policies said of these.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per subject x judge x criterion, subject x check, or instruction x policy
-- params: $ids
SELECT
    lineage_judged.id,
    lineage_judged.what,
    lineage_judged.found
FROM lineage_judged
WHERE lineage_judged.id IN (SELECT unnest($ids))
ORDER BY lineage_judged.id, lineage_judged.what, lineage_judged.found;
