-- Run x stage: rows in, out and refused; seconds, calls, tokens and cost.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per run x stage x part
-- params: none
CREATE TABLE IF NOT EXISTS receipts (
    run_id VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    rows_in BIGINT NOT NULL,
    rows_out BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    seconds DOUBLE NOT NULL,
    calls BIGINT NOT NULL,
    cached_calls BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_usd DOUBLE NOT NULL,
    finished_at TIMESTAMP NOT NULL
);
