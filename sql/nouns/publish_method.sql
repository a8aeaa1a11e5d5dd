-- Publish what one method wrote, where the rows of all methods together broke their suite, and its own alone did not.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per run
-- params: $fingerprint
INSERT INTO publications
SELECT DISTINCT
    'nouns' AS noun,
    nouns.noun_published AS fingerprint,
    nouns.run_id
FROM unaudited_nouns AS nouns
WHERE nouns.noun_published = $fingerprint
ON CONFLICT DO NOTHING;
