-- The rows of a noun that a method wrote in a run and that passed their audit: only these are in `valid_<noun>`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per table x method x run whose rows passed their audit; no method: ''
-- params: none
CREATE TABLE IF NOT EXISTS publications (
    noun VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (noun, fingerprint, run_id)
);
