-- Every refused input, with what is known of it: sorted so that those of a stage, a reason and a run lie together.
-- owner:  tasks/site/lists.py
-- grain:  one row per refused input x stage x method
-- params: $shows_values
WITH known AS (
    SELECT
        lineage_things.id,
        min(lineage_things.kind) AS kind,
        min(lineage_things.telling) AS telling
    FROM lineage_things
    WHERE lineage_things.id IN (SELECT regexp_extract(rejections.input_id, '^[^#:]*') FROM rejections)
    GROUP BY lineage_things.id
)

SELECT
    rejections.stage AS part,
    rejections.reason AS kind,
    rejections.run_id,
    rejections.input_id AS id,
    if($shows_values, coalesce(known.telling, ''), '') AS telling,
    if($shows_values, left(rejections.detail, 600), '') AS said,
    coalesce(known.kind, '') AS what,
    NULL AS line
FROM rejections
LEFT JOIN known ON regexp_extract(rejections.input_id, '^[^#:]*') = known.id
ORDER BY part, rejections.reason, rejections.run_id, rejections.input_id, rejections.fingerprint;
