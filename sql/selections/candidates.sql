-- Every instruction in force: its score, its domain, and why it cannot be taken (NULL when it can). A task needs its certificate.
-- owner:  tasks/selections.py
-- grain:  one row per instruction
-- params: $judge, $min_score, $required, $owed
WITH owed AS (
    SELECT unnest($owed) AS check_name
),

failed AS (
    -- A check that does not apply says so and is no failure; one that could not say, or that never looked, is one.
    SELECT
        verdicts.subject_id,
        min(concat('failed_', verdicts.check_name)) AS reason
    FROM valid_verdicts AS verdicts
    WHERE
        list_contains($required, verdicts.check_name)
        AND NOT coalesce(verdicts.passed, starts_with(verdicts.detail, 'does not apply: '))
    GROUP BY verdicts.subject_id
),

unchecked AS (
    SELECT
        responses.response_id AS subject_id,
        min(concat('unchecked_', owed.check_name)) AS reason
    FROM valid_responses AS responses
    CROSS JOIN owed
    ANTI JOIN valid_verdicts AS verdicts
        ON responses.response_id = verdicts.subject_id AND owed.check_name = verdicts.check_name
    GROUP BY responses.response_id
),

answers AS (
    SELECT
        responses.instruction_id,
        min(coalesce(if(excluded.id IS NULL, NULL, 'excluded'), failed.reason, unchecked.reason)) AS reason,
        bool_or(excluded.id IS NULL AND failed.reason IS NULL AND unchecked.reason IS NULL) AS is_usable
    FROM valid_responses AS responses
    LEFT JOIN lineage_excluded AS excluded ON responses.response_id = excluded.id
    LEFT JOIN failed ON responses.response_id = failed.subject_id
    LEFT JOIN unchecked ON responses.response_id = unchecked.subject_id
    WHERE responses.use = 'answer'
    GROUP BY responses.instruction_id
),

uncertified AS (
    SELECT
        tasks.input_id AS instruction_id,
        if(count(verdicts.subject_id) = 0, 'unchecked_certified', 'failed_certified') AS reason
    FROM inputs_tasks AS tasks
    LEFT JOIN valid_verdicts AS verdicts ON tasks.input_id = verdicts.subject_id AND verdicts.check_name = 'certified'
    GROUP BY tasks.input_id
    HAVING NOT coalesce(bool_or(verdicts.passed), FALSE)
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
        WHEN excluded.id IS NOT NULL THEN 'excluded'
        WHEN own.reason IS NOT NULL THEN own.reason
        WHEN uncertified.reason IS NOT NULL THEN uncertified.reason
        WHEN answers.instruction_id IS NULL THEN 'no_answer'
        WHEN NOT answers.is_usable THEN answers.reason
        WHEN $judge = '' THEN NULL
        WHEN totals.subject_id IS NULL THEN 'not_judged'
        WHEN totals.value IS NULL THEN 'judge_failed'
        WHEN totals.value < $min_score THEN 'below_threshold'
    END AS reason
FROM valid_instructions AS instructions
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN lineage_excluded AS excluded ON instructions.instruction_id = excluded.id
LEFT JOIN failed AS own ON instructions.instruction_id = own.subject_id
LEFT JOIN uncertified ON instructions.instruction_id = uncertified.instruction_id
LEFT JOIN answers ON instructions.instruction_id = answers.instruction_id
LEFT JOIN totals ON instructions.instruction_id = totals.subject_id
ORDER BY instructions.instruction_id;
