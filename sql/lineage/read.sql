-- What the store has read, by its words: pages and seeds.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row
-- params: none
CREATE OR REPLACE VIEW lineage_read AS
SELECT words.*
FROM each_was_read AS words;
