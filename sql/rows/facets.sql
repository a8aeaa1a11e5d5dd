-- What some exported lines are found by: what they are of, who wrote them, what was said of them, and when they came.
-- owner:  tasks/site/facets.py
-- grain:  one row per exported line
-- params: $since (runs that began later are new; NULL: all are), $start, $stop (numbers of lines)
WITH shown AS (
    SELECT lines.*
    FROM browsed.lines AS lines
    WHERE lines.number >= $start AND lines.number < $stop
),

chosen AS (
    SELECT
        valid_selections.instruction_id,
        min(valid_selections.topic) AS topic
    FROM valid_selections
    WHERE
        NOT starts_with(valid_selections.policy, 'random')
        AND valid_selections.instruction_id IN (SELECT shown.instruction_id FROM shown)
    GROUP BY valid_selections.instruction_id
),

marks AS (
    SELECT
        valid_scores.subject_id,
        arg_min(round(valid_scores.value), valid_scores.judge) FILTER (
            WHERE NOT starts_with(valid_scores.judge, 'human:') AND valid_scores.criterion = 'total'
        ) AS mark,
        count(*) FILTER (WHERE NOT starts_with(valid_scores.judge, 'human:')) AS marks,
        min(valid_scores.value) FILTER (
            WHERE starts_with(valid_scores.judge, 'human:') AND valid_scores.criterion = 'total'
        ) AS by_people
    FROM valid_scores
    WHERE
        valid_scores.subject_id IN (SELECT shown.instruction_id FROM shown)
        OR valid_scores.subject_id IN (SELECT shown.response_id FROM shown)
    GROUP BY valid_scores.subject_id
),

checks AS (
    SELECT
        valid_verdicts.subject_id,
        min(valid_verdicts.check_name) FILTER (WHERE valid_verdicts.passed IS FALSE) AS failed,
        count_if(valid_verdicts.passed IS NULL AND NOT starts_with(valid_verdicts.detail, 'does not apply: ')) AS unsaid
    FROM valid_verdicts
    WHERE valid_verdicts.subject_id IN (SELECT shown.response_id FROM shown)
    GROUP BY valid_verdicts.subject_id
)

SELECT
    regexp_replace(shown.path, '^exports/|/[^/]+$', '', 'g') AS form,
    coalesce(instructions.recipe, 'none') AS recipe,
    coalesce(documents.language, seeds.language, 'not known') AS language,
    coalesce(cast(chosen.topic AS VARCHAR), 'none') AS topic,
    coalesce(
        cast(cast(power(2, floor(log2(greatest(length(responses.text) // 4, 1)))) AS BIGINT) AS VARCHAR), 'no answer'
    ) AS length,
    CASE
        WHEN of_instruction.marks IS NULL OR of_instruction.marks = 0 THEN 'not judged'
        ELSE coalesce(cast(cast(of_instruction.mark AS BIGINT) AS VARCHAR), 'judge failed')
    END AS score,
    CASE
        WHEN of_answer.marks IS NULL OR of_answer.marks = 0 THEN 'not judged'
        ELSE coalesce(cast(cast(of_answer.mark AS BIGINT) AS VARCHAR), 'judge failed')
    END AS answer_score,
    CASE
        WHEN checks.subject_id IS NULL THEN 'not checked'
        WHEN checks.failed IS NOT NULL THEN concat('failed ', checks.failed)
        WHEN checks.unsaid > 0 THEN 'could not say'
        ELSE 'passed'
    END AS verdict,
    CASE
        WHEN shown.is_excluded THEN 'excluded'
        WHEN of_answer.by_people IS NULL THEN 'not looked at'
        WHEN of_answer.by_people >= 0.5 THEN 'good'
        ELSE 'bad'
    END AS people,
    coalesce(responses.model, 'none') AS model,
    coalesce(sources.name, 'no page') AS source,
    coalesce(strftime(runs.started_at, '%Y-%m-%d'), 'not known') AS written,
    if($since IS NULL OR coalesce(runs.started_at > $since, FALSE), 'new', 'known') AS since
FROM shown
LEFT JOIN responses ON shown.response_id = responses.response_id AND shown.response_method = responses.fingerprint
LEFT JOIN instructions ON shown.instruction_id = instructions.instruction_id AND shown.instruction_method = instructions.fingerprint
LEFT JOIN documents ON shown.document_id = documents.document_id AND shown.document_method = documents.fingerprint
LEFT JOIN sources ON documents.source_id = sources.source_id
LEFT JOIN (
    SELECT
        seeds.seed_id,
        min(seeds.language) AS language
    FROM seeds
    GROUP BY seeds.seed_id
) AS seeds ON instructions.parent_ids[1] = seeds.seed_id
LEFT JOIN chosen ON shown.instruction_id = chosen.instruction_id
LEFT JOIN marks AS of_instruction ON shown.instruction_id = of_instruction.subject_id
LEFT JOIN marks AS of_answer ON shown.response_id = of_answer.subject_id
LEFT JOIN checks ON shown.response_id = checks.subject_id
LEFT JOIN runs ON coalesce(responses.run_id, instructions.run_id) = runs.run_id
ORDER BY shown.number;
