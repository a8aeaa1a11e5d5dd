-- Instructions whose difficulty nobody has judged yet; with rationales on, they cannot be answered before that.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: none
SELECT instructions.instruction_id
FROM valid_instructions AS instructions
WHERE
    instructions.instruction_id NOT IN (
        SELECT scores.subject_id
        FROM valid_scores AS scores
        WHERE scores.judge = 'seven_criteria' AND scores.criterion = 'total'
    )
ORDER BY instructions.instruction_id;
