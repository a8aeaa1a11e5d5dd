-- Keep what a person decided of rows and releases with the journal, too: the database may be made anew, and must know it then.
-- owner:  tasks/io/storage/journal_file.py
-- grain:  one row per decision
-- params: none
CREATE TABLE IF NOT EXISTS decisions (
    kind TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL, decided_at TEXT NOT NULL,
    PRIMARY KEY (kind, value, decided_at)
);
