-- Marks of instructions and answers in force by these methods, audited or not yet.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x judge x criterion
-- params: $fingerprints
SELECT
    scores.subject_id,
    scores.judge,
    scores.criterion,
    scores.value
FROM scores
WHERE
    list_contains($fingerprints, scores.fingerprint)
    AND scores.subject_id IN (SELECT subjects.id FROM lineage_noted AS subjects)
    AND scores.subject_id NOT IN (SELECT probes.response_id FROM valid_responses AS probes WHERE probes.use = 'probe')
ORDER BY scores.subject_id, scores.judge, scores.criterion;
