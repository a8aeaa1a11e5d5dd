-- Which models wrote, answered and judged what is exported: as they were asked for, and as they answered.
-- owner:  tasks/exports.py
-- grain:  one row per role x model x served name
-- params: $row_ids
WITH exported AS (
    SELECT
        instructions.instruction_id,
        instructions.completion_id
    FROM valid_instructions AS instructions
    WHERE instructions.instruction_id IN (SELECT unnest($row_ids))
    UNION ALL
    SELECT
        rewrites.rewrite_id AS instruction_id,
        rewrites.completion_id
    FROM valid_rewrites AS rewrites
    WHERE rewrites.rewrite_id IN (SELECT unnest($row_ids))
),

answers AS (
    SELECT
        responses.response_id,
        responses.model,
        responses.completion_id
    FROM valid_responses AS responses
    WHERE responses.instruction_id IN (SELECT exported.instruction_id FROM exported)
),

subjects AS (
    SELECT exported.instruction_id AS subject_id
    FROM exported
    UNION ALL
    SELECT answers.response_id AS subject_id
    FROM answers
),

said AS (
    SELECT
        scores.subject_id,
        scores.completion_id
    FROM valid_scores AS scores
    UNION
    SELECT
        verdicts.subject_id,
        verdicts.completion_id
    FROM valid_verdicts AS verdicts
),

asked AS (
    SELECT
        'generator' AS role,
        completions.model,
        completions.served,
        exported.instruction_id AS made_id
    FROM exported
    INNER JOIN completions ON exported.completion_id = completions.completion_id
    UNION ALL
    SELECT
        'responder' AS role,
        answers.model,
        coalesce(completions.served, '') AS served,
        answers.response_id AS made_id
    FROM answers
    LEFT JOIN completions ON answers.completion_id = completions.completion_id
    UNION ALL
    SELECT
        CASE WHEN completions.role = 'moderator' THEN 'moderator' ELSE 'judge' END AS role,
        completions.model,
        completions.served,
        completions.completion_id AS made_id
    FROM said
    INNER JOIN completions ON said.completion_id = completions.completion_id
    WHERE said.subject_id IN (SELECT subjects.subject_id FROM subjects)
)

SELECT
    asked.role,
    asked.model,
    asked.served,
    count(DISTINCT asked.made_id) AS rows_made
FROM asked
GROUP BY asked.role, asked.model, asked.served
ORDER BY asked.role, asked.model, asked.served;
