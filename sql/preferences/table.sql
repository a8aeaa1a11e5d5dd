-- A pair of answers, better first, and by how much the reward differs. Of a missing side the id is empty.
-- owner:  tasks/preferences.py
-- grain:  one row per instruction x pair
-- params: none
CREATE TABLE IF NOT EXISTS preferences (
    instruction_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    chosen_id VARCHAR NOT NULL,
    rejected_id VARCHAR NOT NULL,
    margin DOUBLE NOT NULL,
    run_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL DEFAULT 'reward',
    PRIMARY KEY (instruction_id, chosen_id, rejected_id, fingerprint)
);
