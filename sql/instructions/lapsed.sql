-- Pages and seeds that are not in force, and what programs made of them, however many steps down.
-- owner:  tasks/instructions.py
-- grain:  one row per page, seed, instruction, note or rewrite
-- params: none
CREATE OR REPLACE VIEW lapsed_things AS
WITH RECURSIVE made AS (
    SELECT
        instructions.instruction_id AS id,
        instructions.input_id
    FROM instructions
    UNION ALL
    SELECT
        notes.note_id AS id,
        notes.input_id
    FROM notes
    UNION ALL
    SELECT
        rewrites.rewrite_id AS id,
        rewrites.document_id AS input_id
    FROM rewrites
),

lapsed AS (
    SELECT documents.document_id AS id
    FROM documents
    WHERE documents.document_id NOT IN (SELECT valid.document_id FROM valid_documents AS valid)
    UNION
    SELECT seeds.seed_id AS id
    FROM seeds
    WHERE seeds.seed_id NOT IN (SELECT valid.seed_id FROM valid_seeds AS valid)
    UNION
    SELECT made.id
    FROM made
    INNER JOIN lapsed ON made.input_id = lapsed.id
)

SELECT lapsed.id
FROM lapsed;
