-- Instructions of one version of a recipe that no audit has passed and nothing has refused yet.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: $fingerprint
SELECT
    instructions.instruction_id,
    instructions.text
FROM instructions
WHERE
    instructions.fingerprint = $fingerprint
    AND instructions.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions')
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'instructions'
            AND rejections.input_id = instructions.instruction_id
            AND rejections.fingerprint = instructions.fingerprint
    )
ORDER BY instructions.instruction_id;
