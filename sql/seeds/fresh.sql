-- Seeds of one version of reading that no audit has passed and nothing has refused yet.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: $fingerprint
SELECT
    seeds.seed_id,
    seeds.text,
    seeds.turns
FROM standing_seeds AS seeds
WHERE
    seeds.fingerprint = $fingerprint
    AND seeds.seed_id IN (SELECT unaudited.seed_id FROM unaudited_seeds AS unaudited WHERE unaudited.fingerprint = $fingerprint)
ORDER BY seeds.seed_id;
