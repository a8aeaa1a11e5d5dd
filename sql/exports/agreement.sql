-- What the judges of instructions said of the same instruction, as totals: the ground of their agreement.
-- owner:  tasks/spine/vectors/dataset_measures.py
-- grain:  one row per instruction x judge
-- params: none
SELECT
    scores.subject_id,
    scores.judge,
    scores.value
FROM valid_scores AS scores
WHERE
    scores.criterion = 'total'
    AND NOT starts_with(scores.judge, 'human:')  -- theirs is a table of its own
    AND scores.subject_id IN (SELECT instructions.instruction_id FROM valid_instructions AS instructions)
ORDER BY scores.subject_id, scores.judge;
