-- What each check said of the answers in force; a required check that never looked at an answer is counted, too.
-- owner:  tasks/exports.py
-- grain:  one row per check
-- params: $required
WITH named AS (
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
        (SELECT count(*) FROM valid_responses) - count(*) AS never_looked
    FROM valid_verdicts AS verdicts
    INNER JOIN valid_responses AS responses ON verdicts.subject_id = responses.response_id
    GROUP BY verdicts.check_name
)

SELECT
    named.check_name,
    list_contains($required, named.check_name) AS required,
    coalesce(said.passed, 0) AS passed,
    coalesce(said.failed, 0) AS failed,
    coalesce(said.does_not_apply, 0) AS does_not_apply,
    coalesce(said.could_not_say, 0) AS could_not_say,
    coalesce(said.never_looked, (SELECT count(*) FROM valid_responses)) AS no_verdict
FROM named
LEFT JOIN said ON named.check_name = said.check_name
WHERE named.check_name NOT IN ('checklist_questions', 'verifiers')  -- of instructions
ORDER BY named.check_name;
