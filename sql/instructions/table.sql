-- A synthetic instruction: recipe x inputs x draw. `input_id` is the row of a view that it was written for.
-- owner:  tasks/instructions.py
-- grain:  one row per recipe x inputs x draw
-- params: none
CREATE TABLE IF NOT EXISTS instructions (
    instruction_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    input_id VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL,
    draw BIGINT NOT NULL,
    round BIGINT NOT NULL,
    text VARCHAR NOT NULL,
    document_id VARCHAR,
    parent_ids VARCHAR[] NOT NULL,
    scene VARCHAR,
    ability VARCHAR,
    knowledge VARCHAR,
    output VARCHAR,
    extra_information VARCHAR,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    history VARCHAR NOT NULL DEFAULT '',
    tools VARCHAR NOT NULL DEFAULT '',
    weight DOUBLE NOT NULL DEFAULT 1.0,
    PRIMARY KEY (instruction_id, fingerprint)
);
