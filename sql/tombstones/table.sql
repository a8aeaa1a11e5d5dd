-- A page, domain or source that was forgotten and must not come back.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per forgotten page, domain or source
-- params: none
CREATE TABLE IF NOT EXISTS tombstones (
    kind VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    forgotten_at TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, value)
);
