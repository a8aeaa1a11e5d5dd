-- The pages that a run could not write, and why.
-- owner:  tasks/spine/watching/summaries.py
-- grain:  one row per page
-- params: $run_id
SELECT
    failures.shard_id AS page,
    failures.error
FROM failures
WHERE failures.stage = 'pages' AND failures.run_id = $run_id
ORDER BY failures.shard_id;
