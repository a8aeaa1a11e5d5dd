-- Every expectation that was checked, with what was observed, in the order of checking.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per run x expectation
-- params: none
SELECT validations.*
FROM validations
ORDER BY validations.checked_at, validations.noun, validations.expectation, validations.column_name;
