-- The tags that methods over sets left each instruction, as the reason of its total.
-- owner:  tasks/selections.py
-- grain:  one row per instruction x method
-- params: $names
SELECT
    scores.judge,
    scores.subject_id,
    scores.reason
FROM valid_scores AS scores
WHERE list_contains($names, scores.judge) AND scores.criterion = 'total'
ORDER BY scores.judge, scores.subject_id;
