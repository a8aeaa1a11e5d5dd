-- One step up from the rows of a noun: a part of `lineage_edges`, for each of its edges.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row x thing it was made from
-- params: none
SELECT
    nouns.noun_id AS child_id,
    'noun_relation' AS relation,
    nouns.noun_parent AS parent_id
FROM nouns
WHERE nouns.noun_column IS NOT NULL AND nouns.noun_otherwise;
