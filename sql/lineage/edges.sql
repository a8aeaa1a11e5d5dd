-- What each row was made from, one step up: the graph that trace, impact and forget walk.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row x thing it was made from
-- params: none
CREATE OR REPLACE VIEW lineage_edges AS
SELECT edges.*
FROM each_edge AS edges;
