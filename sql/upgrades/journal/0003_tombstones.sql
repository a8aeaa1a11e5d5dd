-- Keep what was forgotten with the journal, too: the database may be made anew, and must know it then.
-- owner:  tasks/io/storage/journal_file.py
-- grain:  one row per forgotten page, domain or source
-- params: none
CREATE TABLE IF NOT EXISTS tombstones (
    kind TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL, forgotten_at TEXT NOT NULL, PRIMARY KEY (kind, value)
);
