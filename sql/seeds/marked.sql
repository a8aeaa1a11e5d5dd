-- Seeds that were read and kept, and about which nothing is decided yet, with their marks.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: $fingerprint, $read, $marks, $most
WITH wanted AS (
    SELECT seeds.*
    FROM standing_seeds AS seeds
    WHERE seeds.fingerprint = $read
    ORDER BY seeds.seed_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
),

marked AS (
    SELECT
        scores.subject_id,
        max(scores.value) FILTER (WHERE scores.criterion = 'total') AS total,
        string_agg(scores.criterion, ', ' ORDER BY scores.criterion)
        FILTER (WHERE scores.value = 0 AND scores.criterion <> 'total')
            AS missed
    FROM scores
    WHERE scores.fingerprint = $marks
    GROUP BY scores.subject_id
)

SELECT
    wanted.seed_id AS input_id,
    wanted.*,
    marked.total,
    marked.missed
FROM wanted
INNER JOIN marked ON wanted.seed_id = marked.subject_id
WHERE
    marked.total IS NOT NULL
    AND wanted.seed_id NOT IN (SELECT seeds.seed_id FROM seeds WHERE seeds.fingerprint = $fingerprint)
    AND wanted.seed_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE rejections.stage = 'seeds' AND rejections.fingerprint = $fingerprint
    )
ORDER BY wanted.seed_id;
