-- How many rows of each method later stages see.
-- owner:  tasks/spine/estimating.py
-- grain:  one row per stage x method
-- params: none
SELECT
    in_force.stage,
    in_force.fingerprint,
    in_force.rows_valid
FROM each_rows_in_force AS in_force;
