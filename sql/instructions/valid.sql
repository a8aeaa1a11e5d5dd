-- Instructions that stand and whose run passed its audit: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE OR REPLACE VIEW valid_instructions AS
SELECT instructions.*
FROM standing_instructions AS instructions
WHERE
    EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'instructions'
            AND publications.fingerprint = instructions.fingerprint
            AND publications.run_id = instructions.run_id
    );
