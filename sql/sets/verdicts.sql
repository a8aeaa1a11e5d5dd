-- Verdicts on instructions and answers: those in force, and those of these methods, audited or not yet.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x check
-- params: $fingerprints
WITH found AS (
    SELECT verdicts.*
    FROM valid_verdicts AS verdicts
    UNION
    SELECT verdicts.*
    FROM verdicts
    WHERE list_contains($fingerprints, verdicts.fingerprint)
)

SELECT
    found.subject_id,
    found.check_name,
    found.passed
FROM found
WHERE found.subject_id IN (SELECT subjects.id FROM lineage_noted AS subjects)
ORDER BY found.subject_id, found.check_name, found.fingerprint;
