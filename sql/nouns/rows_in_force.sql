-- How many rows of each method of a noun later stages see: a part of `methods/rows`.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per method
-- params: none
SELECT
    'nouns' AS stage,
    nouns.noun_fingerprint AS fingerprint,
    count(*) AS rows_valid
FROM valid_nouns AS nouns
GROUP BY nouns.noun_fingerprint;
