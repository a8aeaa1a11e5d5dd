-- What a judge said of groups of answers that are groups no more, and these groups themselves.
-- owner:  tasks/scores.py
-- grain:  one row per thing
-- params: $fingerprint
WITH gone AS (
    SELECT notes.*
    FROM notes
    WHERE
        notes.kind = 'group of answers'
        AND notes.fingerprint = $fingerprint
        AND notes.note_id NOT IN (SELECT groups.input_id FROM inputs_responses_by_instruction AS groups)
)

SELECT gone.note_id AS id
FROM gone
UNION
SELECT unnest(list_append(gone.parent_ids, gone.input_id)) AS id
FROM gone
UNION
SELECT notes.note_id AS id
FROM gone
INNER JOIN notes ON gone.note_id = notes.input_id AND gone.fingerprint = notes.fingerprint
ORDER BY id;
