-- Every row that has an id of its own, with the kind of thing it is: where an id leads.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per row x method
-- params: none
CREATE OR REPLACE VIEW lineage_nodes AS
SELECT nodes.*
FROM each_node AS nodes;
