-- Instructions that stand, as programs below those that made them are given them.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_made AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.scene,
    instructions.document_id,
    instructions.fingerprint
FROM standing_instructions AS instructions;
