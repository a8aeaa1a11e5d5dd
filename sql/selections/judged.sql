-- Which policies chose an instruction, in words: a part of `lineage_judged`.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per instruction x policy
-- params: none
SELECT
    selections.instruction_id AS id,
    concat('selected by ', selections.policy) AS what,
    concat('rank ', selections.rank) AS found
FROM selections;
