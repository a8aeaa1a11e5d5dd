-- Personal data of one kind that was replaced in a document, and how often.
-- owner:  tasks/documents.py
-- grain:  one row per document x kind x method
-- params: none
CREATE TABLE IF NOT EXISTS redactions (
    document_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    count BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_id, fingerprint, kind)
);
