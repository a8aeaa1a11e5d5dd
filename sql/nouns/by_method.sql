-- The methods of the rows of a noun: a part of `methods/written`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row
-- params: none
SELECT nouns.noun_fingerprint AS fingerprint
FROM nouns;
