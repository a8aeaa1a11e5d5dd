-- Verdicts that a judge could not give (a check that could not say is no failure), with the reason; what is not named is any.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per subject x judge x reason
-- params: $reasons, $run_id
SELECT DISTINCT
    verdicts.subject_id,
    verdicts.fingerprint,
    split_part(verdicts.detail, ':', 1) AS reason,
    verdicts.detail
FROM verdicts
WHERE
    verdicts.passed IS NULL
    AND regexp_matches(verdicts.detail, '^[a-z_]+: ')
    AND verdicts.fingerprint NOT IN (
        SELECT methods.fingerprint
        FROM methods
        WHERE
            methods.stage = 'instructions'  -- a program makes all that is of an input, or nothing
            OR (methods.stage = 'verdicts' AND methods.name IN ('checks', 'verified', 'not_same'))
    )
    AND ($reasons IS NULL OR list_contains($reasons, split_part(verdicts.detail, ':', 1)))
    AND starts_with(verdicts.run_id, coalesce($run_id, ''))  -- the beginning of an id will do
ORDER BY verdicts.subject_id, verdicts.fingerprint, reason, detail;
