-- Whether the offline stand-in wrote, answered or judged any row that is valid: by the name it was asked for, or answered under.
-- owner:  tasks/spine/watching/summaries.py
-- grain:  one row
-- params: none
WITH rests_on AS (
    SELECT groundings.completion_id
    FROM valid_groundings AS groundings
    UNION ALL
    SELECT instructions.completion_id
    FROM valid_instructions AS instructions
    UNION ALL
    SELECT responses.completion_id
    FROM valid_responses AS responses
    UNION ALL
    SELECT scores.completion_id
    FROM valid_scores AS scores
    UNION ALL
    SELECT verdicts.completion_id
    FROM valid_verdicts AS verdicts
)

SELECT coalesce(bool_or(starts_with(completions.model, 'offline-') OR starts_with(completions.served, 'offline-')), FALSE) AS is_any
FROM completions
WHERE completions.completion_id IN (SELECT rests_on.completion_id FROM rests_on);
