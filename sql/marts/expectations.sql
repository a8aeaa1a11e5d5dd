-- What audits found, run by run: the history of every expectation.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per run x expectation
-- params: $run_id (NULL: every run)
SELECT
    validations.run_id,
    runs.started_at,
    validations.noun,
    validations.expectation,
    validations.column_name,
    validations.severity,
    validations.success,
    validations.evaluated,
    validations.unexpected,
    validations.observed,
    validations.notes,
    validations.checked_at
FROM validations
LEFT JOIN runs ON validations.run_id = runs.run_id
WHERE $run_id IS NULL OR validations.run_id = $run_id
ORDER BY runs.started_at, validations.run_id, validations.checked_at, validations.noun, validations.notes, validations.column_name;
