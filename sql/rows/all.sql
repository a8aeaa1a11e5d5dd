-- All rows of a table or view, in no order.
-- owner:  tasks/spine/watching/frames.py
-- grain:  that of the view
-- params: $view
SELECT seen.*
FROM query_table($view) AS seen;
