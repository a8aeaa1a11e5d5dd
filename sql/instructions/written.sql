-- The instructions that later stages read, in the order of their ids.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
SELECT instructions.*
FROM valid_instructions AS instructions
ORDER BY instructions.instruction_id;
