-- The rows of a view that a program is given.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input
-- params: $view, $input_ids
SELECT inputs.*
FROM query_table($view) AS inputs
WHERE inputs.input_id IN (SELECT unnest($input_ids))
ORDER BY inputs.input_id;
