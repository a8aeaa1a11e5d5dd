-- What the last audit of each table said of each expectation; not what it quoted.
-- owner:  tasks/spine/releases/releases.py
-- grain:  one row per table x expectation x column
-- params: none
SELECT
    validations.noun,
    validations.expectation,
    coalesce(validations.column_name, '') AS column_name,
    arg_max(validations.severity, validations.checked_at) AS severity,
    arg_max(validations.success, validations.checked_at) AS success,
    arg_max(validations.evaluated, validations.checked_at) AS evaluated,
    arg_max(validations.unexpected, validations.checked_at) AS unexpected
FROM validations
GROUP BY validations.noun, validations.expectation, validations.column_name
ORDER BY validations.noun, validations.expectation, column_name;
