-- The rows of a noun that a run wrote and that passed their audit: only these are in `valid_<noun>`.
-- owner:  tasks/spine/validation.py
-- grain:  one row per table x run whose rows passed their audit
-- params: none
CREATE TABLE IF NOT EXISTS publications (
    noun VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (noun, run_id)
);
