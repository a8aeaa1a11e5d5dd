-- A shard that is done: its Parquet file in the store, and how many rows went in and came out.
-- owner:  tasks/spine/running/sharding.py
-- grain:  one row per finished shard x method
-- params: none
CREATE TABLE IF NOT EXISTS shards (
    stage VARCHAR NOT NULL,
    shard_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    rows_in BIGINT NOT NULL,
    rows_out BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (stage, shard_id, fingerprint)
);
