-- One line of one exported file, the row it came from, and the sha256 of the manifest that lies with the file.
-- owner:  tasks/exports.py
-- grain:  one row per line of an exported file
-- params: none
CREATE TABLE IF NOT EXISTS exports (
    export_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    row_id VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    manifest VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (export_id, fingerprint)
);
