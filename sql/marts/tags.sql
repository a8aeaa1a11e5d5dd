-- Tags of instructions, the most frequent first, and how many of them were selected; the first row is of all that have tags.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per tag, and one with the tag ''
-- params: none
WITH told AS (
    SELECT
        json_extract_string(unnest(from_json(notes.data, '["JSON"]')), '$.tag') AS tag,
        subjects.id
    FROM valid_notes AS notes
    INNER JOIN lineage_noted AS subjects
        ON notes.input_id = subjects.noted AND notes.fingerprint = coalesce(subjects.fingerprint, notes.fingerprint)
    WHERE notes.kind = 'tags'
),

owned AS (
    SELECT
        told.tag,
        instructions.instruction_id,
        instructions.instruction_id IN (
            SELECT selections.instruction_id
            FROM valid_selections AS selections
            WHERE selections.policy = 'best_per_topic'
        ) AS is_selected
    FROM told
    LEFT JOIN valid_responses AS responses ON told.id = responses.response_id
    INNER JOIN valid_instructions AS instructions
        ON instructions.instruction_id = coalesce(responses.instruction_id, told.id)
)

SELECT
    if(grouping(owned.tag) = 1, '', owned.tag) AS tag,
    count(DISTINCT owned.instruction_id) AS instructions,
    count(DISTINCT if(owned.is_selected, owned.instruction_id, NULL)) AS selected
FROM owned
GROUP BY GROUPING SETS ((owned.tag), ())
HAVING count(*) > 0
ORDER BY instructions DESC, tag ASC;
