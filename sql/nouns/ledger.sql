-- From which input, and by which method, the rows of a noun were made: a part of the ledger of what is settled.
-- owner:  tasks/io/storage/statements.py
-- grain:  one row per row x input
-- params: none
SELECT
    -- A program's answer is to its own instruction, and its verdict of its own answer: they are of that one's input, too.
    unnest(list_distinct([nouns.noun_input, own.input_id])) AS input_id,
    nouns.noun_fingerprint AS fingerprint,
    nouns.noun_subject AS thing
FROM nouns
LEFT JOIN lineage_inputs AS own ON nouns.noun_input = own.id AND nouns.noun_fingerprint = own.fingerprint;
