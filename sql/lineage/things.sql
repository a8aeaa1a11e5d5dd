-- What is worth knowing at a glance of each thing in the graph: the words that tell it from others, and a note.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row x method
-- params: none
CREATE OR REPLACE VIEW lineage_things AS
SELECT things.*
FROM each_thing AS things;
