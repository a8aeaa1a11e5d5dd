-- A run: what it ran, on which commit, with which settings (secrets are never in them), and how it ended.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per run
-- params: none
CREATE TABLE IF NOT EXISTS runs (
    run_id VARCHAR NOT NULL,
    flow VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    settings VARCHAR NOT NULL,
    commit VARCHAR NOT NULL,
    versions VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    error VARCHAR,
    PRIMARY KEY (run_id)
);
