-- Publish the runs whose rows passed their audit, those of methods not given up: from now on `valid_nouns` shows them.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per method x run; rows that are in force whatever wrote them have no method: ''
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'nouns' AS noun,
    nouns.noun_published AS fingerprint,
    nouns.run_id
FROM unaudited_nouns AS nouns
ON CONFLICT DO NOTHING;
