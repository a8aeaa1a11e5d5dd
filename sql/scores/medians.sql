-- The middle of what each judge gave as totals: what is at least this passes with it.
-- owner:  tasks/spine/watching/people.py
-- grain:  one row per judge
-- params: none
SELECT
    valid_scores.judge,
    median(valid_scores.value) AS middle
FROM valid_scores
WHERE valid_scores.criterion = 'total' AND valid_scores.value IS NOT NULL
GROUP BY valid_scores.judge
ORDER BY valid_scores.judge;
