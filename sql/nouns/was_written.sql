-- The words of a noun that a model wrote: a part of `lineage_written`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row x field
-- params: none
SELECT
    nouns.noun_id AS id,
    unnest([nouns.noun_written]) AS text
FROM nouns;
