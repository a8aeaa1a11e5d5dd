-- What models wrote, by its words: groundings, instructions and answers.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row x field
-- params: none
CREATE OR REPLACE VIEW lineage_written AS
SELECT words.*
FROM each_was_written AS words;
