-- The manifest that lies with exported files, by its digest: until an export is written anew it is not known.
-- owner:  tasks/exports.py
-- grain:  one row per line of an exported file
-- params: none
ALTER TABLE IF EXISTS exports ADD COLUMN IF NOT EXISTS manifest VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS exports ALTER COLUMN manifest SET NOT NULL;
