-- Marks that a judge could not give, with the reason; what is not named is any.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per subject x judge x reason
-- params: $reasons, $run_id
SELECT DISTINCT
    scores.subject_id,
    scores.fingerprint,
    split_part(scores.reason, ':', 1) AS reason,
    scores.reason AS detail
FROM scores
WHERE
    scores.value IS NULL
    AND regexp_matches(scores.reason, '^[a-z_]+: ')
    AND scores.judge NOT IN (  -- a method over sets says the same again
        SELECT unnest(from_json(json_extract(methods.settings, '$.computed'), '["VARCHAR"]')) AS judge
        FROM methods
        WHERE methods.stage = 'scores' AND methods.active
    )
    AND scores.fingerprint NOT IN (  -- a program makes all that is of an input, or nothing
        SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions'
    )
    AND ($reasons IS NULL OR list_contains($reasons, split_part(scores.reason, ':', 1)))
    AND starts_with(scores.run_id, coalesce($run_id, ''))  -- the beginning of an id will do
ORDER BY scores.subject_id, scores.fingerprint, reason, detail;
