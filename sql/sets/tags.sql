-- Tags of instructions and answers: of notes `tags`, or the functions of notes `process`; an answer's are its instruction's, too.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x tag
-- params: $fingerprints
WITH found AS (
    SELECT notes.*
    FROM valid_notes AS notes
    UNION
    SELECT notes.*
    FROM notes
    WHERE list_contains($fingerprints, notes.fingerprint)
),

subjects AS (
    SELECT noted.*
    FROM lineage_noted AS noted
    UNION ALL
    SELECT
        responses.instruction_id AS id,
        responses.response_id AS noted,
        NULL AS fingerprint
    FROM valid_responses AS responses
    WHERE responses.use = 'answer'
),

said AS (
    SELECT
        found.input_id,
        found.fingerprint,
        found.kind,
        unnest(json_extract_string(found.data, '$[*].tag')) AS tag
    FROM found
    WHERE found.kind = 'tags'
    UNION ALL
    SELECT
        found.input_id,
        found.fingerprint,
        found.kind,
        unnest(json_extract_string(found.data, '$.functions[*]')) AS tag
    FROM found
    WHERE found.kind = 'process'
)

SELECT DISTINCT
    subjects.id AS subject_id,
    said.kind,
    said.tag
FROM said
INNER JOIN subjects
    ON said.input_id = subjects.noted AND said.fingerprint = coalesce(subjects.fingerprint, said.fingerprint)
WHERE said.tag <> ''
ORDER BY subjects.id, said.kind, said.tag;
