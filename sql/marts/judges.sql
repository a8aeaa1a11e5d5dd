-- How far judges agree with each other on what passes: at least the middle of all that each gave. Who agrees least comes first.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per two judges that marked the same
-- params: none
WITH totals AS (
    SELECT
        valid_scores.judge,
        valid_scores.subject_id,
        valid_scores.value >= median(valid_scores.value) OVER (PARTITION BY valid_scores.judge) AS passes
    FROM valid_scores
    WHERE
        valid_scores.criterion = 'total'
        AND valid_scores.value IS NOT NULL
        AND NOT starts_with(valid_scores.judge, 'human:')  -- theirs is a table of its own
),

counted AS (
    SELECT
        one.judge,
        other.judge AS other,
        count(*) AS both_marked,
        avg(if(one.passes = other.passes, 1.0, 0.0)) AS agree,
        avg(if(one.passes, 1.0, 0.0)) AS one_passes,
        avg(if(other.passes, 1.0, 0.0)) AS other_passes
    FROM totals AS one
    INNER JOIN totals AS other ON one.subject_id = other.subject_id AND one.judge < other.judge
    GROUP BY one.judge, other.judge
),

chance AS (
    SELECT
        counted.*,
        counted.one_passes * counted.other_passes + (1 - counted.one_passes) * (1 - counted.other_passes) AS by_chance
    FROM counted
)

SELECT
    chance.judge,
    chance.other,
    chance.both_marked AS subjects,
    chance.agree,
    if(chance.by_chance < 1, (chance.agree - chance.by_chance) / (1 - chance.by_chance), NULL) AS kappa
FROM chance
ORDER BY kappa ASC NULLS LAST, chance.agree ASC, chance.judge ASC, chance.other ASC;
