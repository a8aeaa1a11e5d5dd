-- An answer to an instruction (or to a seed without one): instruction x model x draw.
-- owner:  tasks/responses.py
-- grain:  one row per instruction x model x draw
-- params: none
CREATE TABLE IF NOT EXISTS responses (
    response_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    instruction_id VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    draw BIGINT NOT NULL,
    text VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    thought VARCHAR,
    use VARCHAR NOT NULL DEFAULT 'answer',
    PRIMARY KEY (response_id, fingerprint)
);
