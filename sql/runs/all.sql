-- Every run, in the order they began.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per run
-- params: none
SELECT runs.*
FROM runs
ORDER BY runs.started_at, runs.run_id;
