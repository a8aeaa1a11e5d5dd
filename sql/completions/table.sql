-- A model call, loaded from the journal; its id is a hash of the request.
-- owner:  tasks/spine/generation.py
-- grain:  one row per model call
-- params: none
CREATE TABLE IF NOT EXISTS completions (
    completion_id VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    request VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    cost_usd DOUBLE NOT NULL,
    attempts BIGINT NOT NULL,
    latency_seconds DOUBLE NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (completion_id)
);
