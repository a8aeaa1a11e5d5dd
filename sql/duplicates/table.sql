-- A document that is nearly another one, which is kept; `similarity` is to its nearest, along a chain of copies.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per near duplicate x method
-- params: none
CREATE TABLE IF NOT EXISTS duplicates (
    document_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    duplicate_of VARCHAR NOT NULL,
    similarity DOUBLE NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_id, fingerprint)
);
