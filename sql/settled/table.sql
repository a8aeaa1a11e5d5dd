-- An input that a program is done with: how often it asked, what it made, and how many draws it refused.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input x method
-- params: none
CREATE TABLE IF NOT EXISTS settled (
    input_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    calls BIGINT NOT NULL,
    made BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    seconds DOUBLE NOT NULL
);
