-- Instructions that stand and whose run passed its audit: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW valid_instructions AS
SELECT instructions.*
FROM standing_instructions AS instructions
WHERE instructions.run_id IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions');
