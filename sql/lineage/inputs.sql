-- What programs made, and of which of their inputs: an answer to an instruction of the same program is of that one's input.
-- One to another instruction, an input or one that was drawn, is of the inputs that asked for it.
-- Where an input is a group of answers, what is said of these, and of their instruction, is of the group.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing x method
-- params: none
CREATE OR REPLACE VIEW lineage_inputs AS
WITH asked AS (
    SELECT DISTINCT
        steps.input_id,
        steps.completion_id,
        steps.fingerprint
    FROM steps
)

SELECT
    instructions.instruction_id AS id,
    instructions.fingerprint,
    instructions.input_id
FROM instructions
UNION ALL
SELECT
    notes.note_id AS id,
    notes.fingerprint,
    notes.input_id
FROM notes
UNION ALL
SELECT
    unnest(list_append(notes.parent_ids, notes.input_id)) AS id,
    notes.fingerprint,
    notes.note_id AS input_id
FROM notes
WHERE notes.kind = 'group of answers'
UNION ALL
SELECT
    rewrites.rewrite_id AS id,
    rewrites.fingerprint,
    rewrites.document_id AS input_id
FROM rewrites
UNION ALL
SELECT
    responses.response_id AS id,
    responses.fingerprint,
    coalesce(own.input_id, asked.input_id, responses.instruction_id) AS input_id
FROM responses
LEFT JOIN instructions AS own
    ON responses.instruction_id = own.instruction_id AND responses.fingerprint = own.fingerprint
LEFT JOIN asked
    ON
        responses.completion_id = asked.completion_id
        AND responses.fingerprint = asked.fingerprint
        AND own.instruction_id IS NULL;
