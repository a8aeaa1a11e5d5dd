-- Model calls and how they ended, loaded from the journal: a copy to ask questions of, never the only one.
-- owner:  tasks/io/models/llm.py
-- grain:  one row per model call
-- params: none
CREATE TABLE IF NOT EXISTS completions (
    completion_id VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
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
    thought VARCHAR NOT NULL DEFAULT '',
    tool_calls VARCHAR NOT NULL DEFAULT '',
    logprobs VARCHAR NOT NULL DEFAULT '',
    served VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (completion_id)
);
