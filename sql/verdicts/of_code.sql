-- How many answers checks of code looked at, and of how many no engine could say anything.
-- owner:  tasks/verdicts.py
-- grain:  one row
-- params: none
SELECT
    count(DISTINCT verdicts.subject_id) AS answers,
    count(DISTINCT verdicts.subject_id)
    FILTER (WHERE verdicts.passed IS NULL AND contains(verdicts.detail, 'unsupported'))
        AS unsaid
FROM valid_verdicts AS verdicts
WHERE
    verdicts.check_name IN ('code_runs', 'code_passes', 'verified')
    AND NOT starts_with(verdicts.detail, 'does not apply: ');
