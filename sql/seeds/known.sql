-- Seeds of one version of reading that stand, but for new ones: what these must not repeat.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: $fingerprint, $fresh_ids
SELECT
    seeds.seed_id,
    seeds.text,
    seeds.turns
FROM standing_seeds AS seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND seeds.seed_id NOT IN (SELECT unnest($fresh_ids))
ORDER BY seeds.seed_id;
