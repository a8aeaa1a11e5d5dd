-- Marks of instructions and answers in force by these methods, audited or not yet.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x judge x criterion
-- params: $fingerprints
WITH subjects AS (
    SELECT responses.response_id AS id
    FROM valid_responses AS responses
    UNION
    SELECT instructions.instruction_id AS id
    FROM valid_instructions AS instructions
)

SELECT
    scores.subject_id,
    scores.judge,
    scores.criterion,
    scores.value
FROM scores
WHERE
    list_contains($fingerprints, scores.fingerprint)
    AND scores.subject_id IN (SELECT subjects.id FROM subjects)
ORDER BY scores.subject_id, scores.judge, scores.criterion;
