-- Shards of a stage that this version of its method has finished.
-- owner:  tasks/spine/running/sharding.py
-- grain:  one row per shard
-- params: $stage, $fingerprint
SELECT shards.shard_id
FROM shards
WHERE shards.stage = $stage AND shards.fingerprint = $fingerprint
ORDER BY shards.shard_id;
