-- Which models wrote, answered and judged what is exported.
-- owner:  tasks/exports.py
-- grain:  one row per role x model
-- params: $instruction_ids
SELECT
    'generator' AS role,
    completions.model,
    count(*) AS rows_made
FROM valid_instructions AS instructions
INNER JOIN completions ON instructions.completion_id = completions.completion_id
WHERE instructions.instruction_id IN (SELECT unnest($instruction_ids))
GROUP BY completions.model
UNION ALL
SELECT
    'responder' AS role,
    responses.model,
    count(*) AS rows_made
FROM valid_responses AS responses
WHERE responses.instruction_id IN (SELECT unnest($instruction_ids))
GROUP BY responses.model
UNION ALL
SELECT
    'judge' AS role,
    completions.model,
    count(DISTINCT completions.completion_id) AS rows_made
FROM valid_scores AS scores
INNER JOIN completions ON scores.completion_id = completions.completion_id
WHERE scores.subject_id IN (SELECT unnest($instruction_ids))
GROUP BY completions.model
ORDER BY role, model;
