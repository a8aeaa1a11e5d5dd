-- Take out what a method over sets gave of earlier sets.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x criterion
-- params: $judge, $fingerprint
DELETE FROM scores
WHERE
    scores.judge = $judge
    AND scores.fingerprint <> $fingerprint
    AND scores.completion_id IS NULL;
