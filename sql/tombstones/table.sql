-- What was forgotten and must not come back: a page, a domain, a source; a text, by its digest and by its sketch.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per forgotten page, domain, source or text, or per row that is not to be made again
-- params: none
CREATE TABLE IF NOT EXISTS tombstones (
    kind VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    forgotten_at TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, value)
);
