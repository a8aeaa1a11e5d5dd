-- A page's text: URL x text digest. Offsets and lengths are bytes of the source as stored (compressed).
-- owner:  tasks/documents.py
-- grain:  one row per URL x text digest x extraction method
-- params: none
CREATE TABLE IF NOT EXISTS documents (
    document_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    record_offset BIGINT NOT NULL,
    record_length BIGINT NOT NULL,
    url VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    title VARCHAR,
    author VARCHAR,
    published_at VARCHAR,
    fetched_at VARCHAR,
    language VARCHAR NOT NULL,
    license VARCHAR,
    text VARCHAR NOT NULL,
    tokens BIGINT NOT NULL,
    text_digest VARCHAR NOT NULL,
    duplicate_of VARCHAR,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_id, fingerprint)
);
