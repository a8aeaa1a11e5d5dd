-- Every shard that broke, and every page that could not be written.
-- owner:  tasks/spine/running/sharding.py
-- grain:  one row per broken shard or page x run
-- params: none
SELECT failures.*
FROM failures
ORDER BY failures.run_id, failures.stage, failures.shard_id;
