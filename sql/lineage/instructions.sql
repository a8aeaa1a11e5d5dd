-- The instructions of these ids, whatever method wrote them.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per instruction x method
-- params: $ids
SELECT instructions.*
FROM instructions
WHERE instructions.instruction_id IN (SELECT unnest($ids))
ORDER BY instructions.instruction_id, instructions.fingerprint;
