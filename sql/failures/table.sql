-- A shard that broke as a whole; it is due again at the next run. A page that could not be written (stage `pages`).
-- owner:  tasks/spine/running/sharding.py
-- grain:  one row per broken shard or page x run
-- params: none
CREATE TABLE IF NOT EXISTS failures (
    stage VARCHAR NOT NULL,
    shard_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL
);
