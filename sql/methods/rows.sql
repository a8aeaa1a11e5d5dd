-- How many rows of each method later stages see.
-- owner:  tasks/spine/operations/estimating.py
-- grain:  one row per stage x method
-- params: none
SELECT
    coalesce(methods.stage, in_force.stage) AS stage,  -- a program's rows of other nouns are of its own stage
    in_force.fingerprint,
    cast(sum(in_force.rows_valid) AS BIGINT) AS rows_valid
FROM each_rows_in_force AS in_force
LEFT JOIN methods ON in_force.fingerprint = methods.fingerprint AND methods.stage = 'instructions'
GROUP BY ALL;
