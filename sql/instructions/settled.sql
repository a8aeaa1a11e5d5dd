-- Inputs that a version of a recipe is done with: it has an instruction for them, or has refused them.
-- owner:  tasks/instructions.py
-- grain:  one row per input x method (more where there are several draws)
-- params: none
CREATE OR REPLACE VIEW settled_instructions AS
SELECT
    instructions.input_id,
    instructions.fingerprint
FROM instructions
UNION ALL
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'instructions';
