-- Take rows out that are, or tell of, these.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of the noun
-- params: $ids
DELETE FROM nouns
WHERE nouns.noun_subject IN (SELECT unnest($ids));
