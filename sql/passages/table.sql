-- A span of a document, ended at sentences; offsets are characters of its text.
-- owner:  tasks/passages.py
-- grain:  one row per document x span x method
-- params: none
CREATE TABLE IF NOT EXISTS passages (
    passage_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    document_id VARCHAR NOT NULL,
    start_chars BIGINT NOT NULL,
    end_chars BIGINT NOT NULL,
    text VARCHAR NOT NULL,
    tokens BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (passage_id, fingerprint)
);
