-- Instructions that this way of answering has neither answered nor given up; hard ones and the others are answered apart,
-- and those of a page, too, where it is shown.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: $fingerprint, $hard_from, $is_hard, $has_page, $document_chars
WITH hard AS (
    SELECT scores.subject_id
    FROM valid_scores AS scores
    WHERE scores.judge = 'seven_criteria' AND scores.criterion = 'total' AND scores.value >= $hard_from
)

SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    documents.domain,
    left(documents.text, $document_chars) AS document
FROM valid_instructions AS instructions
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
WHERE
    instructions.instruction_id NOT IN (
        SELECT settled.input_id
        FROM settled_responses AS settled
        WHERE settled.fingerprint = $fingerprint
    )
    -- Without a threshold nothing is hard, and nobody waits for a judge.
    AND ($hard_from = 0 OR (instructions.instruction_id IN (SELECT hard.subject_id FROM hard)) = $is_hard)
    AND ($has_page IS NULL OR (documents.document_id IS NOT NULL) = $has_page)
ORDER BY instructions.instruction_id;
