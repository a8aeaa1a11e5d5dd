-- A human instruction: the first user turn of a conversation, and what stood before and after it.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction x method
-- params: none
CREATE TABLE IF NOT EXISTS seeds (
    seed_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    text VARCHAR NOT NULL,
    response VARCHAR,
    language VARCHAR NOT NULL,
    tokens BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    system VARCHAR NOT NULL DEFAULT '',
    turns VARCHAR NOT NULL DEFAULT '',
    tools VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (seed_id, fingerprint)
);
