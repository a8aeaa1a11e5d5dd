-- Take instructions of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `instructions`
-- params: $ids
DELETE FROM instructions
WHERE instructions.instruction_id IN (SELECT unnest($ids));
