-- Rows that no audit has passed yet, of methods that were not given up.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of the noun
-- params: none
CREATE OR REPLACE VIEW unaudited_nouns AS
SELECT nouns.*
FROM nouns
WHERE
    nouns.noun_fingerprint NOT IN (
        SELECT methods.fingerprint
        FROM methods
        WHERE methods.stage IN ('nouns', 'instructions', 'scores') AND NOT methods.active
    )
    AND NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'nouns'
            AND publications.fingerprint = nouns.noun_fingerprint
            AND publications.run_id = nouns.run_id
    );
