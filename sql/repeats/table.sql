-- A page that was read again with the text that it had: where, and when it was fetched that time.
-- owner:  tasks/documents.py
-- grain:  one row per document x extraction method x record
-- params: none
CREATE TABLE IF NOT EXISTS repeats (
    document_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    record_offset BIGINT NOT NULL,
    fetched_at VARCHAR,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_id, fingerprint, source_id, record_offset)
);
