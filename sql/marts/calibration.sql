-- The bins of the method `calibration`: how sure answers are, and how many of them are right.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per bin
-- params: none
WITH said AS (
    SELECT DISTINCT
        regexp_extract(
            scores.reason,
            'bin of (\d+): confidence (\d\.\d+), right (\d\.\d+)',
            ['answers', 'confidence', 'correct']
        ) AS bin
    FROM valid_scores AS scores
    WHERE
        scores.judge = 'calibration'
        AND scores.criterion = 'total'
        AND scores.value IS NOT NULL
)

SELECT
    cast(said.bin.confidence AS DOUBLE) AS confidence,
    cast(said.bin.correct AS DOUBLE) AS correct,
    cast(said.bin.answers AS BIGINT) AS answers
FROM said
WHERE said.bin.answers <> ''
ORDER BY confidence;
