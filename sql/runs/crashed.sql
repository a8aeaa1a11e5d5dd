-- Runs that still say they are running; asked by the process that has just got the store's lock, so they are dead.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per run
-- params: none
SELECT
    runs.run_id,
    runs.flow,
    runs.started_at,
    runs.owner
FROM runs
WHERE runs.status = 'running'
ORDER BY runs.started_at, runs.run_id;
