-- Seeds that this version of the attribution has neither traced to a document nor refused.
-- owner:  tasks/groundings.py
-- grain:  one row per seed
-- params: $fingerprint, $most
WITH wanted AS (
    SELECT seeds.seed_id
    FROM valid_seeds AS seeds
    ORDER BY seeds.seed_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT wanted.seed_id AS input_id
FROM wanted
WHERE
    wanted.seed_id NOT IN (
        SELECT settled.input_id
        FROM settled_groundings AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY wanted.seed_id;
