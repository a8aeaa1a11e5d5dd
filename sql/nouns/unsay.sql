-- Take words out that quote what was forgotten.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of the table
-- params: $fragments
UPDATE nouns
SET noun_said = 'forgotten'
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(nouns.noun_said, quoted.text));
