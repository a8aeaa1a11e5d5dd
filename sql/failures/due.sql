-- Shards that broke and have not been finished since.
-- owner:  tasks/spine/watching/stage_status.py
-- grain:  one row per stage
-- params: none
SELECT
    failures.stage,
    count(DISTINCT failures.shard_id) AS shards_failed
FROM failures
WHERE
    failures.stage <> 'pages'
    AND (failures.stage, failures.shard_id, failures.fingerprint) NOT IN (
        SELECT (shards.stage, shards.shard_id, shards.fingerprint) FROM shards
    )
GROUP BY failures.stage
ORDER BY failures.stage;
