-- Responses of the methods in force whose run passed its audit, to valid instructions: what later stages read.
-- owner:  tasks/responses.py
-- grain:  one row per instruction x model x draw
-- params: none
CREATE OR REPLACE VIEW valid_responses AS
SELECT responses.*
FROM responses
WHERE
    responses.fingerprint IN (
        SELECT methods.fingerprint
        FROM methods
        WHERE methods.stage IN ('responses', 'instructions') AND methods.active
    )
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'responses'
            AND publications.fingerprint = responses.fingerprint
            AND publications.run_id = responses.run_id
    )
    AND responses.instruction_id IN (SELECT instructions.instruction_id FROM valid_instructions AS instructions);
