-- The settings of a run.
-- owner:  tasks/site/pages.py
-- grain:  one row
-- params: $run_id
SELECT runs.settings
FROM runs
WHERE runs.run_id = $run_id;
