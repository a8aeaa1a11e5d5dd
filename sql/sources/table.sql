-- A corpus file or URI, named by its bytes: the same archive in two places is one source.
-- owner:  tasks/sources.py
-- grain:  one row per corpus file or URI, by its bytes
-- params: none
CREATE TABLE IF NOT EXISTS sources (
    source_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    uri VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    license VARCHAR,
    sha256 VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (source_id)
);
