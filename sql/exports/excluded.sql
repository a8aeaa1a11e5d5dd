-- What was excluded by a person, and how much of what stands rests on it: answers, instructions and rewrites.
-- owner:  tasks/exports.py
-- grain:  one row per id that a person excluded
-- params: none
SELECT
    excluded.root AS id,
    min(excluded.reason) AS reason,
    count(*) FILTER (
        WHERE excluded.id IN (SELECT valid.instruction_id FROM valid_instructions AS valid)
    ) AS instructions,
    count(*) FILTER (
        WHERE excluded.id IN (SELECT valid.response_id FROM valid_responses AS valid)
    ) AS answers,
    count(*) FILTER (
        WHERE excluded.id IN (SELECT valid.rewrite_id FROM valid_rewrites AS valid)
    ) AS rewrites
FROM lineage_excluded AS excluded
GROUP BY excluded.root
ORDER BY excluded.root;
