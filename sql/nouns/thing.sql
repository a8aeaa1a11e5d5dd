-- What is worth knowing at a glance of the rows of a noun: a part of `lineage_things`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row x method
-- params: none
SELECT
    'noun_singular' AS kind,
    nouns.noun_id AS id,
    nouns.noun_telling AS telling,
    nouns.noun_note AS note
FROM nouns;
