-- Instructions, rewrites and notes: by which method, of which input, and at which place of its program each was made.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per thing
-- params: none
WITH made AS (
    SELECT
        instructions.instruction_id AS id,
        instructions.recipe AS maker,
        instructions.fingerprint,
        instructions.input_id,
        instructions.completion_id,
        instructions.round,
        instructions.draw
    FROM instructions
    UNION ALL
    SELECT
        rewrites.rewrite_id AS id,
        rewrites.style AS maker,
        rewrites.fingerprint,
        rewrites.document_id AS input_id,
        rewrites.completion_id,
        0 AS round,
        0 AS draw
    FROM rewrites
    UNION ALL
    SELECT
        notes.note_id AS id,
        notes.kind AS maker,
        notes.fingerprint,
        notes.input_id,
        notes.completion_id,
        0 AS round,
        0 AS draw
    FROM notes
),

places AS (
    SELECT
        steps.input_id,
        steps.fingerprint,
        steps.completion_id,
        min(steps.place) AS place
    FROM steps
    GROUP BY steps.input_id, steps.fingerprint, steps.completion_id
)

SELECT
    made.id,
    min(made.maker) AS maker,
    min(made.fingerprint) AS fingerprint,
    min(made.input_id) AS input_id,
    min(made.round) AS round,
    min(made.draw) AS draw,
    min(coalesce(places.place, '')) AS place
FROM made
LEFT JOIN places
    ON
        made.input_id = places.input_id
        AND made.fingerprint = places.fingerprint
        AND made.completion_id = places.completion_id
GROUP BY made.id
ORDER BY made.id;
