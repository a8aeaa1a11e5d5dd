-- Keep what a prompt rested on: what was found for an input when it was first asked about, which later nights must not change.
-- owner:  tasks/io/storage/journal_file.py
-- grain:  one row per kind of read x method x input
-- params: none
CREATE TABLE IF NOT EXISTS reads (
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    input_id TEXT NOT NULL,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (kind, fingerprint, input_id)
);
