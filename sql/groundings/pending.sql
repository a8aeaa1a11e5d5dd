-- Seeds that this version of the attribution has neither traced to a document nor refused: the first few of them.
-- owner:  tasks/groundings.py
-- grain:  one row per seed
-- params: $fingerprint, $most, $batch
WITH wanted AS (
    SELECT
        seeds.seed_id,
        seeds.text,
        seeds.language
    FROM valid_seeds AS seeds
    ORDER BY seeds.seed_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT
    wanted.seed_id AS input_id,
    wanted.text,
    wanted.language
FROM wanted
WHERE
    wanted.seed_id NOT IN (
        SELECT settled.input_id
        FROM settled_groundings AS settled
        WHERE settled.fingerprint = $fingerprint
    )
ORDER BY wanted.seed_id
LIMIT $batch;
