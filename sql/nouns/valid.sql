-- Rows of the methods in force whose run passed its audit: what later stages read.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row of the noun
-- params: none
CREATE OR REPLACE VIEW valid_nouns AS
SELECT nouns.*
FROM nouns
WHERE
    nouns.noun_fingerprint IN (
        -- A program of the stage `instructions` or `scores` makes rows of other nouns, too.
        SELECT methods.fingerprint
        FROM methods
        WHERE methods.stage IN ('nouns', 'instructions', 'scores') AND methods.active
    )
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'nouns'
            AND publications.fingerprint = nouns.noun_fingerprint
            AND publications.run_id = nouns.run_id
    );
