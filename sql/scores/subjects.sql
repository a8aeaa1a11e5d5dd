-- Which of these ids are answers or instructions, and whether a judge has marked them already.
-- owner:  tasks/scores.py
-- grain:  one row per id that is there
-- params: $ids, $fingerprint
SELECT
    subjects.id,
    subjects.id IN (SELECT scores.subject_id FROM scores WHERE scores.fingerprint = $fingerprint) AS is_marked
FROM (
    SELECT responses.response_id AS id
    FROM valid_responses AS responses
    UNION
    SELECT instructions.instruction_id AS id
    FROM valid_instructions AS instructions
) AS subjects
WHERE subjects.id IN (SELECT unnest($ids))
ORDER BY subjects.id;
