-- All the words of a table: a part of what a forgotten page is looked for in.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row
-- params: none
SELECT
    'nouns' AS kind,
    concat(nouns.noun_words) AS text
FROM nouns;
