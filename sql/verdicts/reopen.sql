-- Take back what judges said of subjects, each by one method: it is due again.
-- owner:  tasks/spine/retrying.py
-- grain:  one row per row of `verdicts`
-- params: $subjects, $fingerprints
DELETE FROM verdicts
WHERE
    concat(verdicts.subject_id, ' ', verdicts.fingerprint) IN (
        SELECT concat(pairs.subject_id, ' ', pairs.fingerprint)
        FROM (
            SELECT
                unnest($subjects) AS subject_id,
                unnest($fingerprints) AS fingerprint
        ) AS pairs
    );
