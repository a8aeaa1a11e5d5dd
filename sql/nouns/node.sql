-- The rows of a noun that has ids of its own: a part of `lineage_nodes`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row x method
-- params: none
SELECT
    'nouns' AS kind,
    nouns.noun_id AS id,
    nouns.noun_method AS method,
    nouns.run_id
FROM nouns;
