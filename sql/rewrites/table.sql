-- A page that a model said again in another style (WRAP).
-- owner:  tasks/instructions.py
-- grain:  one row per document x style x method
-- params: none
CREATE TABLE IF NOT EXISTS rewrites (
    rewrite_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    document_id VARCHAR NOT NULL,
    style VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (rewrite_id, fingerprint)
);
