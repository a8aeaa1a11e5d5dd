-- What models wrote: the words of groundings, instructions and answers.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per row x field
-- params: none
CREATE OR REPLACE VIEW lineage_written AS
SELECT
    groundings.grounding_id AS id,
    unnest([groundings.scene, groundings.knowledge, groundings.intention, groundings.extra_information]) AS text
FROM groundings
UNION ALL
SELECT
    instructions.instruction_id AS id,
    unnest([instructions.text, instructions.scene, instructions.knowledge, instructions.extra_information]) AS text
FROM instructions
UNION ALL
SELECT
    responses.response_id AS id,
    unnest([responses.text, responses.thought]) AS text
FROM responses;
