-- A unit vector (float32) of a text; `model` is the fingerprint of the embedder that made it.
-- owner:  tasks/embeddings.py
-- grain:  one row per text x embedder
-- params: none
CREATE TABLE IF NOT EXISTS embeddings (
    text_id VARCHAR NOT NULL,
    noun VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    vector FLOAT[] NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (text_id, model)
);
