-- The calls on the way to what was made or refused, in the order of their places; of an instruction all its draws' calls.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per thing x model call
-- params: $ids
WITH things AS (
    SELECT
        groundings.grounding_id AS id,
        groundings.seed_id AS input_id,
        groundings.fingerprint
    FROM groundings
    UNION ALL
    SELECT
        made.id,
        made.input_id,
        made.fingerprint
    FROM lineage_inputs AS made
    UNION ALL
    SELECT
        rejections.input_id AS id,
        split_part(rejections.input_id, '#', 1) AS input_id,
        rejections.fingerprint
    FROM rejections
)

SELECT DISTINCT
    things.id,
    steps.place,
    steps.heading,
    steps.role,
    steps.completion_id
FROM things
INNER JOIN steps ON things.input_id = steps.input_id AND things.fingerprint = steps.fingerprint
WHERE things.id IN (SELECT unnest($ids))
ORDER BY things.id, steps.place, steps.completion_id;
