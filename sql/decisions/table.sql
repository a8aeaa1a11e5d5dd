-- What a person decided of rows and releases; of one value the latest counts.
-- owner:  tasks/spine/provenance/exclusions.py
-- grain:  one row per decision
-- params: none
CREATE TABLE IF NOT EXISTS decisions (
    kind VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, value, decided_at)
);
