-- Instructions of one version of a recipe that stand, and that no audit has passed yet.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: $fingerprint
SELECT
    instructions.instruction_id,
    instructions.text
FROM standing_instructions AS instructions
WHERE
    instructions.fingerprint = $fingerprint
    AND instructions.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions')
ORDER BY instructions.instruction_id;
