-- What one check said of one response or instruction; NULL when the check could not say.
-- owner:  tasks/verdicts.py
-- grain:  one row per subject x check
-- params: none
CREATE TABLE IF NOT EXISTS verdicts (
    subject_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    check_name VARCHAR NOT NULL,
    passed BOOLEAN,
    detail VARCHAR NOT NULL,
    completion_id VARCHAR,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (subject_id, check_name, fingerprint)
);
