-- What judges gave: how often each value of each criterion.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per judge x criterion x value
-- params: none
SELECT
    valid_scores.judge,
    valid_scores.criterion,
    valid_scores.value,
    count(*) AS subjects
FROM valid_scores
GROUP BY valid_scores.judge, valid_scores.criterion, valid_scores.value
ORDER BY valid_scores.judge, valid_scores.criterion, valid_scores.value;
