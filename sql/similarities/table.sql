-- Two documents whose texts are nearly the same: which of them is kept may change, that they are alike does not.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per pair x method
-- params: none
CREATE TABLE IF NOT EXISTS similarities (
    document_a VARCHAR NOT NULL,
    document_b VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    similarity DOUBLE NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (document_a, document_b, fingerprint)
);
