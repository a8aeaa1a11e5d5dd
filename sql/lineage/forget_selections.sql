-- Take selections of these ids out.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `selections`
-- params: $ids
DELETE FROM selections
WHERE selections.instruction_id IN (SELECT unnest($ids));
