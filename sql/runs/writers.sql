-- By which commits of the code the instructions in force were written, the latest first.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row per commit
-- params: none
SELECT
    runs.commit,
    min(runs.started_at) AS since,
    count(*) AS rows_valid
FROM valid_instructions AS instructions
INNER JOIN runs ON instructions.run_id = runs.run_id
GROUP BY runs.commit
ORDER BY since DESC, runs.commit ASC;
