-- Of some seeds, those that this version of the attribution has neither traced to a document nor refused.
-- owner:  tasks/groundings.py
-- grain:  one row per seed
-- params: $fingerprint, $seed_ids
SELECT
    seeds.seed_id AS input_id,
    seeds.text,
    seeds.language
FROM valid_seeds AS seeds
WHERE
    seeds.seed_id IN (SELECT unnest($seed_ids))
    AND seeds.seed_id NOT IN (
        SELECT settled.input_id
        FROM settled_groundings AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY seeds.seed_id;
