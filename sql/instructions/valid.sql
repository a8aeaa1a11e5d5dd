-- Instructions of the methods in force whose run passed its audit, and that nothing refused: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW valid_instructions AS
SELECT instructions.*
FROM instructions
WHERE
    instructions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
    AND instructions.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions')
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'instructions'
            AND rejections.input_id = instructions.instruction_id
            AND rejections.fingerprint = instructions.fingerprint
    );
