-- A stage's method under its settings; `active` marks those of the latest settings: only their rows are valid.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per stage x method
-- params: none
CREATE TABLE IF NOT EXISTS methods (
    stage VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    active BOOLEAN NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (stage, fingerprint)
);
