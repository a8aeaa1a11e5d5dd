-- Seeds that nothing has refused yet, published or not, under the methods in force.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: none
SELECT seeds.*
FROM standing_seeds AS seeds
WHERE
    seeds.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'seeds' AND methods.active)
ORDER BY seeds.seed_id;
