-- An instruction that a policy took, at its rank (0 is first); `topic` is its cluster.
-- owner:  tasks/selections.py
-- grain:  one row per instruction x policy
-- params: none
CREATE TABLE IF NOT EXISTS selections (
    policy VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    instruction_id VARCHAR NOT NULL,
    rank BIGINT NOT NULL,
    topic BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (policy, instruction_id, fingerprint)
);
