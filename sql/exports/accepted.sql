-- Exported rows of the best choice, by who wrote them and by topic: forms of everything and controls are not counted.
-- owner:  tasks/spine/operations/wanting.py
-- grain:  one row per recipe x topic
-- params: none
WITH made AS (
    SELECT DISTINCT coalesce(responses.instruction_id, exports.row_id) AS id
    FROM valid_exports AS exports
    LEFT JOIN responses ON exports.row_id = responses.response_id
    WHERE exports.path NOT LIKE '%/controls/%' AND exports.path NOT LIKE '%/raw/%'
)

SELECT
    coalesce(instructions.recipe, rewrites.style, 'other') AS recipe,
    coalesce(concat('topic ', selections.topic), 'no topic') AS topic,
    count(DISTINCT made.id) AS rows_made
FROM made
LEFT JOIN instructions ON made.id = instructions.instruction_id
LEFT JOIN rewrites ON made.id = rewrites.rewrite_id
LEFT JOIN valid_selections AS selections ON made.id = selections.instruction_id AND selections.policy = 'best_per_topic'
GROUP BY ALL
ORDER BY recipe, topic;
