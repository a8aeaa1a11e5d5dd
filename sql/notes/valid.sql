-- Notes of the programs in force whose run passed its audit, on inputs in force: what later stages read.
-- owner:  tasks/instructions.py
-- grain:  one row per note x method
-- params: none
CREATE OR REPLACE VIEW valid_notes AS
SELECT notes.*
FROM notes
WHERE
    notes.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage IN ('instructions', 'scores') AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'notes'
            AND publications.fingerprint = notes.fingerprint
            AND publications.run_id = notes.run_id
    )
    AND notes.input_id NOT IN (SELECT lapsed.id FROM lapsed_things AS lapsed);
