-- The settings of a run.
-- owner:  tasks/spine/pages.py
-- grain:  one row
-- params: $run_id
SELECT runs.settings
FROM runs
WHERE runs.run_id = $run_id;
