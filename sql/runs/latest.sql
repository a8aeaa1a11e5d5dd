-- The run that began last.
-- owner:  tasks/spine/watching/summaries.py
-- grain:  one row at most
-- params: none
SELECT runs.*
FROM runs
ORDER BY runs.started_at DESC, runs.run_id DESC
LIMIT 1;
