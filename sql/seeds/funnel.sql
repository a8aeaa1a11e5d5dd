-- What became of the lines of all conversation sets, step by step, beside the paper's counts (SynthQuestions, step A).
-- owner:  tasks/seeds.py
-- grain:  one row per step
-- params: none
WITH active AS (
    SELECT
        methods.fingerprint,
        methods.name
    FROM methods
    WHERE methods.stage = 'seeds' AND methods.active
),

reading AS (
    SELECT shards.fingerprint
    FROM shards
    INNER JOIN runs ON shards.run_id = runs.run_id
    WHERE shards.stage = 'seeds'
    ORDER BY
        shards.fingerprint IN (SELECT active.fingerprint FROM active) DESC,
        runs.started_at DESC
    LIMIT 1
),

lost AS (
    SELECT
        rejections.reason,
        count(*) AS seeds
    FROM rejections
    WHERE
        rejections.stage = 'seeds'
        AND (
            rejections.fingerprint IN (SELECT reading.fingerprint FROM reading)
            OR rejections.fingerprint IN (SELECT active.fingerprint FROM active)
        )
    GROUP BY rejections.reason
),

counts AS (
    SELECT
        (
            SELECT cast(coalesce(sum(shards.rows_in), 0) AS BIGINT)
            FROM shards
            WHERE shards.stage = 'seeds' AND shards.fingerprint IN (SELECT reading.fingerprint FROM reading)
        ) AS lines_read,
        cast(coalesce(sum(lost.seeds) FILTER (
            WHERE lost.reason NOT IN ('contaminated', 'duplicate', 'near_duplicate', 'low_score')
        ), 0) AS BIGINT) AS unusable,
        cast(coalesce(sum(lost.seeds) FILTER (WHERE lost.reason = 'contaminated'), 0) AS BIGINT) AS contaminated,
        cast(coalesce(sum(lost.seeds) FILTER (WHERE lost.reason IN ('duplicate', 'near_duplicate')), 0) AS BIGINT) AS repeated,
        cast(coalesce(sum(lost.seeds) FILTER (WHERE lost.reason = 'low_score'), 0) AS BIGINT) AS below,
        (
            SELECT count(*)
            FROM seeds
            WHERE seeds.fingerprint IN (SELECT active.fingerprint FROM active WHERE active.name = 'seven_criteria')
        ) AS good
    FROM lost
),

steps AS (
    SELECT
        1 AS step,
        'conversations read' AS label,
        counts.lines_read AS seeds,
        1920000 AS paper
    FROM counts
    UNION ALL
    SELECT
        2 AS step,
        'whole, in the languages and lengths wanted' AS label,
        counts.lines_read - counts.unusable AS seeds,
        NULL AS paper
    FROM counts
    UNION ALL
    SELECT
        3 AS step,
        'in no benchmark' AS label,
        counts.lines_read - counts.unusable - counts.contaminated AS seeds,
        NULL AS paper
    FROM counts
    UNION ALL
    SELECT
        4 AS step,
        'one of each group of near copies' AS label,
        counts.lines_read - counts.unusable - counts.contaminated - counts.repeated AS seeds,
        690000 AS paper
    FROM counts
    UNION ALL
    SELECT
        5 AS step,
        concat(
            'meet the seven criteria',
            CASE
                WHEN
                    EXISTS (SELECT 1 FROM active WHERE active.name = 'seven_criteria')
                    AND counts.good + counts.below < counts.lines_read - counts.unusable - counts.contaminated - counts.repeated
                    THEN concat(', of the ', counts.good + counts.below, ' judged so far')
            END
        ) AS label,
        CASE WHEN EXISTS (SELECT 1 FROM active WHERE active.name = 'seven_criteria') THEN counts.good END AS seeds,
        29000 AS paper
    FROM counts
)

SELECT
    steps.step,
    steps.label,
    steps.seeds,
    steps.paper
FROM steps
ORDER BY steps.step;
