-- From which input, and by which method, the rows of a noun were made: a part of the ledger of what is settled.
-- owner:  tasks/io/statements.py
-- grain:  one row per row
-- params: none
SELECT
    nouns.noun_input AS input_id,
    nouns.noun_fingerprint AS fingerprint,
    nouns.noun_subject AS thing
FROM nouns;
