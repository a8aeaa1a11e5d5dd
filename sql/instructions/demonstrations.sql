-- Groundings to show as demonstrations, each with its seed and the beginning of its document.
-- owner:  tasks/spine/writing/demonstrations.py
-- grain:  one row per grounding
-- params: $chars
SELECT
    groundings.grounding_id AS input_id,
    groundings.document_id,
    groundings.scene,
    groundings.ability,
    groundings.knowledge,
    groundings.output,
    groundings.extra_information,
    seeds.text,
    documents.language,
    left(documents.text, $chars) AS document_text
FROM valid_groundings AS groundings
INNER JOIN valid_seeds AS seeds ON groundings.seed_id = seeds.seed_id
INNER JOIN valid_documents AS documents ON groundings.document_id = documents.document_id
ORDER BY groundings.grounding_id;
