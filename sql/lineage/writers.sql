-- Who wrote an instruction. Of one whose text is that of its input it is who wrote that: of a seed nobody who was asked.
-- owner:  tasks/exports.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW lineage_writers AS
WITH RECURSIVE same AS (
    SELECT
        instructions.instruction_id,
        instructions.input_id,
        instructions.completion_id,
        instructions.text
    FROM instructions
    UNION ALL
    SELECT
        same.instruction_id,
        before.input_id,
        before.completion_id,
        same.text
    FROM same
    INNER JOIN instructions AS before ON same.input_id = before.instruction_id AND same.text = trim(before.text)
)

SELECT
    same.instruction_id,
    if(seeds.seed_id IS NULL, coalesce(completions.model, ''), 'given') AS model,
    if(seeds.seed_id IS NULL, completions.served, NULL) AS served
FROM same
ANTI JOIN instructions AS before ON same.input_id = before.instruction_id AND same.text = trim(before.text)
LEFT JOIN seeds ON same.input_id = seeds.seed_id AND same.text = trim(seeds.text)
LEFT JOIN completions ON same.completion_id = completions.completion_id;
