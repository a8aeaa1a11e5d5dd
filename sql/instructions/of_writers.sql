-- Instructions that stand, of some versions of recipes.
-- owner:  tasks/instructions.py
-- grain:  one row per instruction
-- params: $fingerprints
SELECT instructions.instruction_id
FROM standing_instructions AS instructions
WHERE instructions.fingerprint IN (SELECT unnest($fingerprints))
ORDER BY instructions.instruction_id;
