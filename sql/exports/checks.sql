-- What each check said of the answers in force; a required check that never looked at an answer is counted, too.
-- owner:  tasks/exports.py
-- grain:  one row per check
-- params: $required
WITH total AS (
    SELECT count(*) AS answers
    FROM valid_responses AS responses
    WHERE responses.use NOT IN ('rejected', 'probe')
),

named AS (
    SELECT DISTINCT verdicts.check_name
    FROM valid_verdicts AS verdicts
    UNION
    SELECT unnest($required) AS check_name
),

said AS (
    SELECT
        verdicts.check_name,
        count(*) FILTER (WHERE verdicts.passed) AS passed,
        count(*) FILTER (WHERE NOT verdicts.passed) AS failed,
        count(*) FILTER (WHERE verdicts.passed IS NULL AND starts_with(verdicts.detail, 'does not apply: ')) AS does_not_apply,
        count(*) FILTER (WHERE verdicts.passed IS NULL AND NOT starts_with(verdicts.detail, 'does not apply: ')) AS could_not_say,
        count(*) AS looked_at
    FROM valid_verdicts AS verdicts
    INNER JOIN valid_responses AS responses ON verdicts.subject_id = responses.response_id AND responses.use NOT IN ('rejected', 'probe')
    GROUP BY verdicts.check_name
)

SELECT
    named.check_name,
    list_contains($required, named.check_name) AS required,
    coalesce(said.passed, 0) AS passed,
    coalesce(said.failed, 0) AS failed,
    coalesce(said.does_not_apply, 0) AS does_not_apply,
    coalesce(said.could_not_say, 0) AS could_not_say,
    total.answers - coalesce(said.looked_at, 0) AS no_verdict
FROM named
CROSS JOIN total
LEFT JOIN said ON named.check_name = said.check_name
WHERE named.check_name NOT IN ('checklist_questions', 'verifiers')  -- of instructions
ORDER BY named.check_name;
