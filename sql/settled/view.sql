-- All rows of a view, as programs read from it besides their own input.
-- owner:  tasks/spine/writing/lookups.py
-- grain:  one row per input
-- params: $view
SELECT inputs.*
FROM query_table($view) AS inputs
ORDER BY inputs.input_id;
