-- The words of a noun that was read: a part of `lineage_read`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row
-- params: none
SELECT
    nouns.noun_id AS id,
    concat(nouns.noun_read) AS text
FROM nouns;
