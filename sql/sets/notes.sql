-- Notes on instructions and answers: of a judge its input, of a recipe the instructions that it made of the same input.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per note x subject
-- params: $fingerprints
WITH found AS (
    SELECT notes.*
    FROM valid_notes AS notes
    UNION
    SELECT notes.*
    FROM notes
    WHERE list_contains($fingerprints, notes.fingerprint)
)

SELECT DISTINCT
    found.note_id,
    subjects.id AS subject_id,
    found.kind,
    found.data
FROM found
INNER JOIN lineage_noted AS subjects
    ON found.input_id = subjects.noted AND found.fingerprint = coalesce(subjects.fingerprint, found.fingerprint)
WHERE found.kind <> 'group of answers'
ORDER BY subjects.id, found.note_id;
