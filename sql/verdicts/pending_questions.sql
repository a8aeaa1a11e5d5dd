-- The question of this number of each checklist, for the answers that it has not been put to: one call each.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: $fingerprint, $checklist, $number
WITH questions AS (
    SELECT
        verdicts.subject_id AS instruction_id,
        from_json(verdicts.detail, '["VARCHAR"]')[$number] AS question
    FROM verdicts
    WHERE verdicts.fingerprint = $checklist AND verdicts.passed
)

SELECT
    responses.response_id AS input_id,
    instructions.text AS instruction,
    responses.text AS response,
    questions.question
FROM questions
INNER JOIN valid_responses AS responses ON questions.instruction_id = responses.instruction_id
INNER JOIN methods
    ON responses.fingerprint = methods.fingerprint AND methods.stage = 'responses' AND methods.active
INNER JOIN valid_instructions AS instructions ON questions.instruction_id = instructions.instruction_id
WHERE
    questions.question IS NOT NULL
    AND methods.name IN ('answer', 'answer_grounded', 'answer_with_rationale')  -- draws for pairs have a reward instead
    AND responses.response_id NOT IN (
        SELECT settled.input_id
        FROM settled_verdicts AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY responses.response_id;
