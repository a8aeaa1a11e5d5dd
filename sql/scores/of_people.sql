-- What people said beside what judges gave of the same answer, or of its instruction, as totals.
-- owner:  tasks/spine/watching/people.py
-- grain:  one row per person x judge x answer
-- params: none
WITH said AS (
    SELECT
        valid_scores.judge AS person,
        valid_scores.subject_id,
        coalesce(valid_responses.instruction_id, valid_scores.subject_id) AS instruction_id,
        valid_scores.value
    FROM valid_scores
    LEFT JOIN valid_responses ON valid_scores.subject_id = valid_responses.response_id
    WHERE starts_with(valid_scores.judge, 'human:') AND valid_scores.criterion = 'total'
)

SELECT DISTINCT
    said.person,
    judged.judge,
    said.subject_id,
    said.value AS of_person,
    judged.value AS of_judge
FROM said
INNER JOIN valid_scores AS judged
    ON
        judged.subject_id IN (said.subject_id, said.instruction_id)
        AND judged.criterion = 'total'
        AND (NOT starts_with(judged.judge, 'human:') OR said.person < judged.judge)  -- of two people once
ORDER BY said.person, judged.judge, said.subject_id;
