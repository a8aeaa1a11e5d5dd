-- The model calls behind rows that tell of other things, and those that a failed judgement names: a part of `lineage/calls_of`.
-- owner:  tasks/io/statements.py
-- grain:  one row per row x call
-- params: none
SELECT
    nouns.noun_judged AS subject,
    unnest([nouns.completion_id, nullif(regexp_extract(nouns.noun_said, '\[([0-9a-f]{20})\]$', 1), '')]) AS completion_id
FROM nouns;
