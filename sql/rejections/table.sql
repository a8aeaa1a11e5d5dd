-- A refused input of a stage, under one fingerprint of its method, with the reason that people count by.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per refused input x stage x method
-- params: none
CREATE TABLE IF NOT EXISTS rejections (
    stage VARCHAR NOT NULL,
    input_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (stage, input_id, fingerprint)
);
