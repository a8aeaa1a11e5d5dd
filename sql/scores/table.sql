-- What one judge gave one subject for one criterion; NULL when the judge failed, never a default.
-- owner:  tasks/scores.py
-- grain:  one row per subject x judge x criterion
-- params: none
CREATE TABLE IF NOT EXISTS scores (
    subject_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    criterion VARCHAR NOT NULL,
    value DOUBLE,
    reason VARCHAR NOT NULL,
    completion_id VARCHAR,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (subject_id, judge, criterion, fingerprint)
);
