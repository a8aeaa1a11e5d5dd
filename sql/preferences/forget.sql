-- Take pairs out whose instruction or answers are among these.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `preferences`
-- params: $ids
DELETE FROM preferences
WHERE
    preferences.instruction_id IN (SELECT unnest($ids))
    OR preferences.chosen_id IN (SELECT unnest($ids))
    OR preferences.rejected_id IN (SELECT unnest($ids));
