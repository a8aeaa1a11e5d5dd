-- Every shard that broke.
-- owner:  tasks/spine/sharding.py
-- grain:  one row per broken shard x run
-- params: none
SELECT failures.*
FROM failures
ORDER BY failures.run_id, failures.stage, failures.shard_id;
