-- Take out what is said of things, each by one method: they are due again.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per row of the noun
-- params: $ids, $fingerprints
DELETE FROM nouns
WHERE
    concat(nouns.noun_subject, ' ', nouns.noun_method) IN (
        SELECT concat(pairs.id, ' ', pairs.fingerprint)
        FROM (
            SELECT
                unnest($ids) AS id,
                unnest($fingerprints) AS fingerprint
        ) AS pairs
    );
