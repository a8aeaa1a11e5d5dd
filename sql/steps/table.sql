-- A model call that a program made on its way, and its place there: which of its calls, in which branch.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input x method x place
-- params: none
CREATE TABLE IF NOT EXISTS steps (
    input_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    heading VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL
);
