-- What near copies of a document share: a hash for each band of its MinHash signature.
-- owner:  tasks/documents.py
-- grain:  one row per document x extraction method
-- params: none
CREATE TABLE IF NOT EXISTS signatures (
    document_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    bands BIGINT[] NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_id, fingerprint)
);
