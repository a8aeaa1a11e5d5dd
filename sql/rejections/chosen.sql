-- Refusals that a person names by stage, reason and run; what is not named is any.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per refused input x stage x method
-- params: $stage, $reasons, $run_id
SELECT
    rejections.stage,
    rejections.input_id,
    rejections.fingerprint,
    rejections.reason,
    rejections.detail
FROM rejections
WHERE
    rejections.stage = coalesce($stage, rejections.stage)
    AND ($reasons IS NULL OR list_contains($reasons, rejections.reason))
    AND starts_with(rejections.run_id, coalesce($run_id, ''))  -- the beginning of an id will do
    AND rejections.reason NOT IN ('forgotten', 'superseded')
ORDER BY rejections.stage, rejections.input_id, rejections.fingerprint;
