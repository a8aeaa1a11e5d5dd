-- Instructions of the methods in force that nothing refused and nothing has overtaken, audited or not: what was written for
-- a page as it was read once, or for a seed as it was, does not outlive that reading, nor does what was deduced from it.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW standing_instructions AS
SELECT instructions.*
FROM instructions
WHERE
    instructions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
    AND instructions.input_id NOT IN (SELECT lapsed.id FROM lapsed_things AS lapsed)
    AND NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'instructions'
            AND rejections.input_id = instructions.instruction_id
            AND rejections.fingerprint = instructions.fingerprint
    );
