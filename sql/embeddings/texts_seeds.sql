-- The seeds with the lowest ids, to fit an embedder on.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per seed
-- params: $at_most
SELECT DISTINCT
    seeds.seed_id AS text_id,
    seeds.text
FROM valid_seeds AS seeds
ORDER BY seeds.seed_id
LIMIT $at_most;
