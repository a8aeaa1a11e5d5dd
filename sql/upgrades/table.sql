-- A version that the store's tables came to, and from which: its newest row says what they are now.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per version
-- params: none
CREATE TABLE IF NOT EXISTS upgrades (
    version BIGINT NOT NULL,
    upgraded_from BIGINT,
    upgraded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (version)
);
