-- What measures of a dataset are taken of: every instruction that a policy took, without texts; in no order.
-- owner:  tasks/spine/vectors/dataset_measures.py
-- grain:  one row per policy x instruction
-- params: $judge
WITH answers AS (
    SELECT
        responses.instruction_id,
        count(*) AS answers,
        count_if(refusals.passed IS FALSE) AS refused
    FROM valid_responses AS responses
    LEFT JOIN valid_verdicts AS refusals
        ON responses.response_id = refusals.subject_id AND refusals.check_name = 'not_refused'
    WHERE responses.use NOT IN ('rejected', 'probe')
    GROUP BY responses.instruction_id
)

SELECT
    selections.policy,
    selections.topic,
    instructions.instruction_id,
    instructions.recipe,
    -- tasks/methods/pages/tokens.py costs each script apart; here a byte beyond a character's first costs 0.45
    cast(
        ceil(
            0.235 * length(instructions.text) + 0.45 * (strlen(instructions.text) - length(instructions.text))
        ) AS BIGINT
    ) AS tokens,
    instructions.document_id,
    documents.domain,
    totals.value AS score,
    answers.answers,
    answers.refused
FROM valid_selections AS selections
INNER JOIN valid_instructions AS instructions ON selections.instruction_id = instructions.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN answers ON selections.instruction_id = answers.instruction_id
LEFT JOIN valid_scores AS totals
    ON
        selections.instruction_id = totals.subject_id
        AND totals.judge = $judge
        AND totals.criterion = 'total';
