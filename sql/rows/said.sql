-- What is asked and answered in some rows, by the ids of their answers or instructions. Row values: only where the profile allows.
-- owner:  tasks/site/released.py
-- grain:  one row per id that is known
-- params: $ids
WITH wanted AS (
    SELECT unnest($ids::VARCHAR[]) AS id
),

answers AS (
    SELECT
        responses.response_id AS id,
        any_value(responses.instruction_id) AS instruction_id,
        any_value(responses.text) AS response
    FROM responses
    WHERE responses.response_id IN (SELECT wanted.id FROM wanted)
    GROUP BY responses.response_id
)

SELECT
    wanted.id,
    any_value(instructions.text) AS instruction,
    coalesce(any_value(answers.response), '') AS response
FROM wanted
LEFT JOIN answers ON wanted.id = answers.id
INNER JOIN instructions ON instructions.instruction_id = coalesce(answers.instruction_id, wanted.id)
GROUP BY wanted.id
ORDER BY wanted.id;
