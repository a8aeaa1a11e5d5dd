-- Every answer in force with everything that was said of it and of its instruction, whether selected or not.
-- owner:  tasks/exports.py
-- grain:  one row per response
-- params: none
WITH marks AS (
    SELECT
        scores.subject_id,
        list(
            struct_pack(name := concat(scores.judge, '.', scores.criterion), value := scores.value)
            ORDER BY scores.judge, scores.criterion
        ) AS marks
    FROM valid_scores AS scores
    GROUP BY scores.subject_id
),

reasons AS (
    SELECT
        scores.subject_id,
        list(
            struct_pack(name := scores.judge, value := scores.value, reason := scores.reason)
            ORDER BY scores.judge
        ) AS judgements
    FROM valid_scores AS scores
    WHERE scores.criterion = 'total' AND scores.value IS NOT NULL AND trim(scores.reason) <> ''
    GROUP BY scores.subject_id
),

checks AS (
    SELECT
        verdicts.subject_id,
        list(
            struct_pack(name := verdicts.check_name, passed := verdicts.passed)
            ORDER BY verdicts.check_name
        ) AS checks
    FROM valid_verdicts AS verdicts
    GROUP BY verdicts.subject_id
)

SELECT
    responses.response_id AS id,
    instructions.instruction_id,
    instructions.recipe,
    instructions.text AS instruction,
    instructions.history,
    instructions.tools,
    responses.text AS response,
    methods.name AS way,
    if(methods.stage = 'instructions', responses.use, NULL) AS use,  -- else the way says it
    responses.draw,
    responses.model,
    answered.served,
    written.model AS instruction_model,
    written.served AS instruction_served,
    responses.thought,
    responses.finish_reason,
    coalesce(instructions.document_id, instructions.input_id) AS origin_id,
    reasons.judgements,
    list_concat(of_instruction.marks, of_response.marks) AS scores,
    list_concat(said_of_instruction.checks, said_of_response.checks) AS verdicts
FROM valid_responses AS responses
INNER JOIN methods
    ON responses.fingerprint = methods.fingerprint AND methods.stage IN ('responses', 'instructions') AND methods.active
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN completions AS answered ON responses.completion_id = answered.completion_id
LEFT JOIN lineage_writers AS written ON instructions.instruction_id = written.instruction_id
LEFT JOIN marks AS of_instruction ON instructions.instruction_id = of_instruction.subject_id
LEFT JOIN marks AS of_response ON responses.response_id = of_response.subject_id
LEFT JOIN reasons ON responses.response_id = reasons.subject_id
LEFT JOIN checks AS said_of_instruction ON instructions.instruction_id = said_of_instruction.subject_id
LEFT JOIN checks AS said_of_response ON responses.response_id = said_of_response.subject_id
WHERE responses.response_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
ORDER BY responses.response_id;
