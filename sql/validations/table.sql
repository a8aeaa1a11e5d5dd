-- Run x expectation: what was audited, what was observed, and whether it held.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per run x expectation
-- params: none
CREATE TABLE IF NOT EXISTS validations (
    run_id VARCHAR NOT NULL,
    noun VARCHAR NOT NULL,
    expectation VARCHAR NOT NULL,
    column_name VARCHAR,
    severity VARCHAR NOT NULL,
    success BOOLEAN NOT NULL,
    evaluated BIGINT NOT NULL,
    unexpected BIGINT NOT NULL,
    observed VARCHAR NOT NULL,
    notes VARCHAR NOT NULL,
    checked_at TIMESTAMP NOT NULL
);
