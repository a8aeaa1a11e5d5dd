-- A thing on the way that a program wants an id for, such as a rubric; `data` is JSON text, `parent_ids` what was drawn or near before.
-- owner:  tasks/instructions.py
-- grain:  one row per note x method
-- params: none
CREATE TABLE IF NOT EXISTS notes (
    note_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    input_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    data VARCHAR NOT NULL,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    parent_ids VARCHAR[] NOT NULL,
    PRIMARY KEY (note_id, fingerprint)
);
