-- Take refusals back: their inputs are due again.
-- owner:  tasks/spine/retrying.py
-- grain:  one row per refused input x stage x method
-- params: $stage, $reasons, $run_id
DELETE FROM rejections
WHERE
    rejections.stage = coalesce($stage, rejections.stage)
    AND ($reasons IS NULL OR list_contains($reasons, rejections.reason))
    AND starts_with(rejections.run_id, coalesce($run_id, ''))  -- the beginning of an id will do
    AND rejections.reason NOT IN ('forgotten', 'superseded');
