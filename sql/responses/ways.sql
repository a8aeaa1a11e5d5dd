-- Instructions that their own program has not answered, and which of the ways in force is theirs: beside their page, with
-- reasons, or neither.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW ways_responses AS
WITH wanted AS (
    SELECT
        coalesce(max(cast(json_extract_string(methods.settings, 'grounded') AS BOOLEAN)), FALSE) AS is_grounded,
        coalesce(max(cast(json_extract_string(methods.settings, 'rationale_from_score') AS BIGINT)), 0) AS hard_from
    FROM methods
    WHERE methods.stage = 'responses' AND methods.active
),

totals AS (
    SELECT
        scores.subject_id,
        max(scores.value) AS total
    FROM valid_scores AS scores
    WHERE scores.judge = 'seven_criteria' AND scores.criterion = 'total'
    GROUP BY scores.subject_id
)

SELECT
    instructions.instruction_id,
    instructions.text,
    instructions.history,
    documents.document_id,
    documents.domain,
    CASE
        WHEN wanted.is_grounded AND documents.document_id IS NOT NULL THEN 'answer_grounded'
        WHEN wanted.hard_from > 0 AND totals.total >= wanted.hard_from THEN 'answer_with_rationale'
        ELSE 'answer'
    END AS way
FROM valid_instructions AS instructions
CROSS JOIN wanted
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN totals ON instructions.instruction_id = totals.subject_id
WHERE
    instructions.instruction_id NOT IN (  -- that a program in force has answered, its maker or one below
        SELECT responses.instruction_id
        FROM responses
        INNER JOIN methods
            ON responses.fingerprint = methods.fingerprint AND methods.stage = 'instructions' AND methods.active
        WHERE responses.use = 'answer'
    );
