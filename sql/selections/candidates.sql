-- Every instruction in force: its score, its domain, and why it cannot be taken (NULL when it can).
-- owner:  tasks/selections.py
-- grain:  one row per instruction
-- params: $judge, $min_score, $required
WITH failed AS (
    -- A check that could not say is no failure, but for moderation: what is not known to be harmless is not taken.
    SELECT
        verdicts.subject_id,
        min(verdicts.check_name) AS check_name
    FROM valid_verdicts AS verdicts
    WHERE
        list_contains($required, verdicts.check_name)
        AND (verdicts.passed IS FALSE OR (verdicts.passed IS NULL AND verdicts.check_name = 'moderation'))
    GROUP BY verdicts.subject_id
),

answers AS (
    SELECT
        responses.instruction_id,
        min(failed.check_name) AS check_name,
        bool_or(failed.check_name IS NULL) AS is_usable
    FROM valid_responses AS responses
    INNER JOIN methods
        ON responses.fingerprint = methods.fingerprint AND methods.stage = 'responses' AND methods.active
    LEFT JOIN failed ON responses.response_id = failed.subject_id
    WHERE methods.name IN ('answer', 'answer_grounded', 'answer_with_rationale')
    GROUP BY responses.instruction_id
),

totals AS (
    SELECT
        scores.subject_id,
        scores.value
    FROM valid_scores AS scores
    WHERE scores.judge = $judge AND scores.criterion = 'total'
)

SELECT
    instructions.instruction_id,
    documents.domain,
    length(instructions.text) AS chars,
    coalesce(totals.value, 0) AS score,
    CASE
        WHEN own.check_name IS NOT NULL THEN concat('failed_', own.check_name)
        WHEN answers.instruction_id IS NULL THEN 'no_answer'
        WHEN NOT answers.is_usable THEN concat('failed_', answers.check_name)
        WHEN $judge = '' THEN NULL
        WHEN totals.subject_id IS NULL THEN 'not_judged'
        WHEN totals.value IS NULL THEN 'judge_failed'
        WHEN totals.value < $min_score THEN 'below_threshold'
    END AS reason
FROM valid_instructions AS instructions
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN failed AS own ON instructions.instruction_id = own.subject_id
LEFT JOIN answers ON instructions.instruction_id = answers.instruction_id
LEFT JOIN totals ON instructions.instruction_id = totals.subject_id
ORDER BY instructions.instruction_id;
