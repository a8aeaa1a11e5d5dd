-- Instructions and answers whose hazards nobody has judged.
-- owner:  tasks/verdicts.py
-- grain:  one row per instruction or response
-- params: $fingerprint
WITH texts AS (
    SELECT
        instructions.instruction_id AS input_id,
        instructions.text
    FROM valid_instructions AS instructions
    UNION ALL
    SELECT
        responses.response_id AS input_id,
        responses.text
    FROM valid_responses AS responses
)

SELECT
    texts.input_id,
    texts.text
FROM texts
WHERE
    texts.input_id NOT IN (
        SELECT settled.input_id
        FROM settled_verdicts AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY texts.input_id;
