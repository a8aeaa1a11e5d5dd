-- Say how a run ended.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per run
-- params: $run_id, $status, $ended_at, $error
UPDATE runs
SET status = $status, ended_at = $ended_at, error = $error
WHERE runs.run_id = $run_id;
