-- Instructions of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW valid_instructions AS
SELECT instructions.*
FROM instructions
WHERE
    instructions.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'instructions' AND methods.active)
    AND instructions.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions');
